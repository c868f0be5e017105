// Shows an answer while it is written. In a terminal: the reasoning and the tool calls dimmed, the
// text plain, control characters as pictures. In a pipe: the text alone, byte for byte. One thread.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "text/chat.h"
#include "text/output_parser.h"

namespace jevons {

class AnswerPrinter {
 public:
  struct Options {
    bool is_terminal = true;
    bool styled = true;  // only in a terminal
    bool hide_reasoning = false;
  };
  /// `out` must outlive the printer.
  AnswerPrinter(std::FILE* out, const Options& options) : out_(out), options_(options) {}
  AnswerPrinter(const AnswerPrinter&) = delete;
  AnswerPrinter& operator=(const AnswerPrinter&) = delete;
  ~AnswerPrinter() { finish(); }

  void show(const OutputEvent& event);
  void show_tool_result(std::string_view result);
  /// Ends styles and the line. Nothing if nothing was shown.
  void finish();

 private:
  enum class Part { kNothing, kReasoning, kText, kTool };
  void enter(Part part);
  void write(std::string_view text);
  void show_call();

  std::FILE* out_;
  Options options_;
  Part part_ = Part::kNothing;
  bool at_line_start_ = true;
  bool part_is_empty_ = true;
  bool has_text_ = false;
  ToolCall call_;
};

}  // namespace jevons
