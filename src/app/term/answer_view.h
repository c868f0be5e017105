// An answer on the screen: what the printer shows, and a progress line while the prompt is read or
// the model thinks unseen. One thread, one answer.
#pragma once

#include <cstdio>

#include "app/chat_session.h"
#include "app/term/answer_printer.h"
#include "app/term/progress_line.h"

namespace jevons {

class AnswerView {
 public:
  AnswerView(std::FILE* out, const AnswerPrinter::Options& options);

  /// Valid as long as the view.
  [[nodiscard]] ChatView callbacks();

 private:
  void show_prompt_progress(int n_done, int n_total);
  void show_event(const OutputEvent& event);

  AnswerPrinter printer_;
  ProgressLine progress_;
  bool hide_reasoning_;
  std::size_t n_thought_bytes_ = 0;
};

}  // namespace jevons
