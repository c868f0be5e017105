// A pass over a long prompt whose experts are read from disk takes as long as reading most of the
// model. Answers do not wait for its end: they go on between its layers, on a model of their own
// that shares weights, expert cache and pages, and so do prompts of a few tokens. Longer ones wait
// for the next pass, where they share its reads. What a step computes does not depend on that.
#include <algorithm>

#include "engine/engine_core.h"

namespace jevons {

// Of a step that has been planned: whether it is a long pass, and if so, only prompts are in it.
void EngineCore::leave_answers_out() {
  if (options_.between == nullptr || is_between_) return;
  int n_prompt_tokens = 0;
  for (const auto& sequence : live_) {
    if (sequence->phase == Sequence::Phase::kPrompt) n_prompt_tokens += sequence->n_step;
  }
  in_long_pass_ = n_prompt_tokens > kMostBetween;
  if (!in_long_pass_) return;
  for (const auto& sequence : live_) {
    if (sequence->phase == Sequence::Phase::kAnswer) sequence->n_step = 0;
  }
}

void EngineCore::begin_long_pass() {
  if (!in_long_pass_ || is_between_) return;
  for (Sequence* sequence : step_.running) sequence->in_long_pass = true;
}

// One turn of the engine's loop, for everybody but those in the long pass, who are told afterwards
// what happened to them. False: nobody waits for the pass any more.
bool EngineCore::go_on_between() {
  std::swap(step_, held_);
  const Priority class_of_pass = running_class_;
  is_between_ = true;
  note_progress();
  take(mailbox_.take());
  if (!stop_) {
    expire();
    admit();
    if (step()) ++counters_.n_steps_between;
  }
  settle();
  is_between_ = false;
  running_class_ = class_of_pass;
  std::swap(step_, held_);
  return !stop_ && std::any_of(step_.running.begin(), step_.running.end(),
                               [](const Sequence* sequence) { return !sequence->ends_as; });
}

void EngineCore::end_long_pass(bool has_results) {
  if (!in_long_pass_ || is_between_) return;
  in_long_pass_ = false;
  for (Sequence* sequence : step_.running) {
    sequence->in_long_pass = false;
    // With results it ends when they have been kept.
    if (sequence->ends_as && !has_results) end(*sequence, *sequence->ends_as);
  }
}

}  // namespace jevons
