// What each step did for whom, for the meter. A long pass and the steps between its layers take
// turns: so each share has the time that was its own.
#include "engine/engine_core.h"

namespace jevons {

EngineCore::Time EngineCore::work_begins() {
  return options_.work_log != nullptr ? options_.work_log->begin_step() : EngineClock::now();
}

// Before the step: one that fails takes its sequences apart. Returns when it begins.
EngineCore::Time EngineCore::begin_work() {
  if (is_between_) note_work(held_, EngineClock::now());
  step_.shares.clear();
  for (const Sequence* sequence : step_.running) {
    const std::int64_t n = sequence->n_step;
    const std::int64_t first = sequence->n_computed;
    const auto n_guesses = static_cast<int>(sequence->draft.size());
    WorkShare& share = step_.shares.emplace_back();
    share.id = sequence->id;
    share.n_tokens = sequence->n_step;
    const bool reaches_end = first + n - n_guesses == sequence->n_tokens();
    share.n_logits = n_guesses + (reaches_end ? 1 : 0);
    // Each token looks at all before it and at itself.
    share.n_positions = n * first + n * (n + 1) / 2;
  }
  step_.began = work_begins();
  return step_.began;
}

// A step that was given up or failed was work all the same.
EngineCore::Time EngineCore::end_work() {
  const Time end = EngineClock::now();
  note_work(step_, end);
  if (options_.work_log != nullptr) options_.work_log->end_step();
  if (is_between_) held_.began = work_begins();
  return end;
}

void EngineCore::note_work(Step& step, Time end) const {
  for (std::size_t i = 0; i < step.shares.size(); ++i) {
    WorkShare& share = step.shares[i];
    share.begin = step.began;
    share.end = end;
    CompletionWork& work = step.running[i]->work;
    work.seconds += milliseconds_between(share.begin, end) / 1000;
    if (!share.is_continued) {
      work.n_tokens += static_cast<std::uint64_t>(share.n_tokens);
      work.n_positions += static_cast<std::uint64_t>(share.n_positions);
    }
    if (options_.work_log != nullptr) options_.work_log->add(share);
    share.is_continued = true;
  }
}

}  // namespace jevons
