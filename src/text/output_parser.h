// What the model writes, turned into events while it arrives: reasoning, text, tool calls.
//
// Every way of cutting the stream gives the same events once neighbouring deltas of one kind are
// joined. Nothing that the model wrote is lost but the markers and the whitespace that the chat
// format itself puts around them; nothing it writes is an error. One parser reads one answer; it
// belongs to one thread and owns copies of all it needs.
//
// Format: reasoning "\n</think>\n\n" text "\n<minimax:tool_call>\n" then for each call
// `<invoke name="N">\n`, for each parameter `<parameter name="K">V</parameter>\n`, `</invoke>\n`,
// and at the end `</minimax:tool_call>`. V is raw text if it is a string, else JSON; nothing in V
// is escaped. Exactly the newlines shown are removed (fewer if there are fewer), so rendering a
// parsed answer gives the answer back.
//
// Decisions where the format says nothing:
//  - A block begins where <minimax:tool_call> is followed by <invoke; it always ends reasoning.
//    Without <invoke it is a mention: it stays in the text or reasoning it stands in, with a
//    warning. A </think> right after a block that interrupted the reasoning is dropped.
//  - <think> counts only before any other output. Later it is text, as is </think> outside
//    reasoning.
//  - </parameter> closes a value only before </invoke>, before <parameter name=K> where K is a
//    parameter that the tool's schema knows (any K if the tool or its parameters are unknown), or
//    at the end of the output; up to 256 bytes of whitespace may stand between.
//  - A parameter given twice in one call: the first value stays, because it may have been
//    streamed already; the second is delivered as text, with a warning.
//  - Stray text inside a block is delivered as text with a warning; if a call is open, after its
//    end. A call left open by <invoke or </minimax:tool_call> is closed there, with a warning.
//  - Output that ends inside a call: the JSON is completed, the call ends with complete = false.
//    A value that is not a string is then delivered as the string it is so far.
//  - A value that its schema does not allow is delivered as a JSON string, with a warning.
//
// What stays ambiguous, because values are not escaped (tests/text/output_parser_ambiguity_test):
//  - a string value that contains </parameter> before </invoke> or before a known parameter;
//  - reasoning that contains </think>, or text and reasoning that contain a whole call opening;
//  - text without reasoning that itself begins with <think>;
//  - a string or other type allowed and a text that is both (42 under string|integer, {} under no
//    schema): the other type is taken, "null" included; an enum that names one of them decides;
//  - names that contain a newline, a quote before >, or more than 512 bytes: not recognised.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/chat.h"

namespace jevons {

struct ReasoningDelta {
  std::string text;
  bool operator==(const ReasoningDelta&) const = default;
};

struct TextDelta {
  std::string text;
  bool operator==(const TextDelta&) const = default;
};

/// One call at a time is open. Until its end only its arguments and warnings follow.
struct ToolCallBegin {
  std::size_t index;  // 0, 1, ... over the whole answer
  std::string id;
  std::string name;
  bool operator==(const ToolCallBegin&) const = default;
};

/// A fragment of JSON text, never ending inside a character or an escape. All fragments of a call
/// together are one JSON object.
struct ToolArgumentsDelta {
  std::size_t index;
  std::string json;
  bool operator==(const ToolArgumentsDelta&) const = default;
};

struct ToolCallEnd {
  std::size_t index;
  bool complete;  // false: the output ended inside this call; better not run it
  bool operator==(const ToolCallEnd&) const = default;
};

/// Something was not as the format has it. One English sentence, for logs and response fields.
struct OutputWarning {
  std::string message;
  bool operator==(const OutputWarning&) const = default;
};

using OutputEvent = std::variant<ReasoningDelta, TextDelta, ToolCallBegin, ToolArgumentsDelta,
                                 ToolCallEnd, OutputWarning>;

/// True if the rendered prompt ends inside an open <think> block, so that the answer begins in
/// the middle of the reasoning. Only the tail counts: earlier turns may contain any marker.
[[nodiscard]] bool prompt_ends_in_reasoning(std::string_view prompt);

struct OutputParserOptions {
  bool starts_in_reasoning = true;  // prompt_ends_in_reasoning(prompt)
  bool parse_tool_calls = true;     // false: <minimax:tool_call> is text like any other
  /// Ids are the prefix and 24 letters and digits drawn from the seed and the call's index. Two
  /// answers of one conversation need two seeds.
  std::string call_id_prefix = "call_";
  std::uint64_t call_id_seed = 0;
};

class OutputParser {
 public:
  /// `tools`: those offered in the prompt; a schema that is not JSON counts as no schema.
  explicit OutputParser(std::span<const ToolDefinition> tools, OutputParserOptions options = {});
  ~OutputParser();
  OutputParser(OutputParser&&) noexcept;
  OutputParser& operator=(OutputParser&&) noexcept;

  /// The events that are certain after `text`, any bytes (what is not UTF-8 becomes U+FFFD).
  [[nodiscard]] std::vector<OutputEvent> push(std::string_view text);

  /// The rest. Call it once, when the model has stopped for whatever reason.
  [[nodiscard]] std::vector<OutputEvent> finish();

 private:
  class Machine;
  std::unique_ptr<Machine> machine_;
};

/// Adds an event to the assistant message that the answer becomes in the conversation. Begin with
/// new_assistant_message().
void append_event(Message& message, const OutputEvent& event);

/// An empty assistant message whose reasoning is empty rather than absent: text that an answer
/// contains is never taken for reasoning when it is rendered again.
[[nodiscard]] Message new_assistant_message();

}  // namespace jevons
