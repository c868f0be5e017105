#include "app/term/answer_printer.h"

#include <variant>

#include "app/term/terminal.h"

namespace jevons {

void AnswerPrinter::write(std::string_view text) {
  if (text.empty()) return;
  std::fwrite(text.data(), 1, text.size(), out_);
  std::fflush(out_);
  at_line_start_ = text.back() == '\n';
  part_is_empty_ = false;
}

void AnswerPrinter::enter(Part part) {
  if (part == part_) return;
  const bool was_dim = part_ == Part::kReasoning || part_ == Part::kTool;
  const bool is_dim = part == Part::kReasoning || part == Part::kTool;
  if (options_.styled && was_dim && !is_dim) std::fputs(kPlain, out_);
  if (options_.is_terminal) {
    if (!at_line_start_) std::fputc('\n', out_);
    if (part == Part::kText && was_dim) std::fputc('\n', out_);
    at_line_start_ = true;
    if (options_.styled && is_dim && !was_dim) std::fputs(kDim, out_);
    if (!options_.styled && part == Part::kReasoning) std::fputs("(thinking)\n", out_);
  }
  part_ = part;
  part_is_empty_ = true;
}

void AnswerPrinter::show_call() {
  enter(Part::kTool);
  if (!at_line_start_) write("\n");
  write(harmless_text("→ " + call_.name + " " + call_.arguments) + "\n");
}

void AnswerPrinter::show(const OutputEvent& event) {
  if (const auto* text = std::get_if<TextDelta>(&event)) {
    if (!options_.is_terminal) {
      has_text_ = true;
      write(text->text);
      return;
    }
    std::string shown = harmless_text(text->text);
    // Empty lines in front of the first word would only push it down.
    const bool is_first = part_ != Part::kText || part_is_empty_;
    if (is_first) shown.erase(0, shown.find_first_not_of('\n'));
    if (shown.empty()) return;
    enter(Part::kText);
    write(shown);
  } else if (!options_.is_terminal) {
    return;
  } else if (const auto* reasoning = std::get_if<ReasoningDelta>(&event)) {
    if (options_.hide_reasoning) return;
    enter(Part::kReasoning);
    write(harmless_text(reasoning->text));
  } else if (const auto* begin = std::get_if<ToolCallBegin>(&event)) {
    call_ = {begin->id, begin->name, ""};
  } else if (const auto* delta = std::get_if<ToolArgumentsDelta>(&event)) {
    call_.arguments += delta->json;
  } else if (std::holds_alternative<ToolCallEnd>(event)) {
    show_call();
  }
}

void AnswerPrinter::show_tool_result(std::string_view result) {
  if (!options_.is_terminal) return;
  enter(Part::kTool);
  write(harmless_text("← " + std::string(result)) + "\n");
}

void AnswerPrinter::finish() {
  if (options_.is_terminal) {
    if (options_.styled && (part_ == Part::kReasoning || part_ == Part::kTool)) {
      std::fputs(kPlain, out_);
    }
    if (!at_line_start_) std::fputc('\n', out_);
  } else if (has_text_ && !at_line_start_) {
    std::fputc('\n', out_);
  }
  std::fflush(out_);
  at_line_start_ = true;
  part_ = Part::kNothing;
  has_text_ = false;
}

}  // namespace jevons
