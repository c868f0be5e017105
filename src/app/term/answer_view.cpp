#include "app/term/answer_view.h"

#include <variant>

namespace jevons {
namespace {

// A prompt that is read in a moment needs no progress.
constexpr int kShortPrompt = 64;

}  // namespace

AnswerView::AnswerView(std::FILE* out, const AnswerPrinter::Options& options)
    : printer_(out, options), hide_reasoning_(options.hide_reasoning || !options.is_terminal) {}

ChatView AnswerView::callbacks() {
  return {[this](int n_done, int n_total) { show_prompt_progress(n_done, n_total); },
          [this](const OutputEvent& event) { show_event(event); },
          [this](const ToolCall&, const std::string& result) {
            progress_.clear();
            printer_.show_tool_result(result);
          }};
}

void AnswerView::show_prompt_progress(int n_done, int n_total) {
  if (n_done == n_total) {
    progress_.clear();
  } else if (n_total - n_done > kShortPrompt) {
    progress_.show(fmt::format("reading the prompt: {} of {} tokens ({} %)", n_done, n_total,
                               100LL * n_done / n_total));
  }
}

void AnswerView::show_event(const OutputEvent& event) {
  const auto* reasoning = std::get_if<ReasoningDelta>(&event);
  if (reasoning != nullptr && hide_reasoning_) {
    n_thought_bytes_ += reasoning->text.size();
    progress_.show(fmt::format("thinking ({} characters)", n_thought_bytes_));
    return;
  }
  progress_.clear();
  printer_.show(event);
}

}  // namespace jevons
