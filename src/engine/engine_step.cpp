// One step: which tokens go through the network together, and what comes of their logits.
#include <algorithm>
#include <cmath>
#include <span>

#include "engine/engine_core.h"

namespace jevons {
namespace {

using Phase = Sequence::Phase;

}  // namespace

// Decides how many tokens of whom are in the step, and finds pages for them. False: nothing can go.
bool EngineCore::plan_step() {
  running_.clear();
  prompts_.clear();
  const auto can_run = [](const auto& s) { return s->can_run() && !s->has_ended; };
  const bool any_interactive = std::any_of(live_.begin(), live_.end(), [&](const auto& s) {
    return can_run(s) && s->priority == Priority::kInteractive;
  });
  running_class_ = any_interactive ? Priority::kInteractive : Priority::kBackground;
  int n_decoding = 0;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    Sequence& sequence = *live_[i];
    sequence.n_step = 0;
    if (!can_run(live_[i]) || sequence.priority != running_class_) continue;
    if (sequence.phase == Phase::kPrompt) {
      prompts_.push_back({i, sequence.n_pending(), sequence.id});
    } else {
      sequence.n_step = make_room(sequence, 1);
      n_decoding += sequence.n_step;
    }
  }
  int n_slice = sizer_.n_tokens(n_decoding);
  if (running_class_ == Priority::kBackground) {
    n_slice = std::max(1, static_cast<int>(n_slice * background_scale_));
  }
  std::vector<PromptShare> shares = divide_slice(prompts_, n_slice);
  std::sort(shares.begin(), shares.end(),
            [](const PromptShare& a, const PromptShare& b) { return a.index < b.index; });
  for (const PromptShare& share : shares) {
    Sequence& sequence = *live_[share.index];
    // Finding pages for an older one may have sent it back to wait.
    if (sequence.can_run()) sequence.n_step = make_room(sequence, share.n_tokens);
  }
  for (const auto& sequence : live_) {
    if (sequence->n_step > 0) running_.push_back(sequence.get());
  }
  return !running_.empty();
}

void EngineCore::build_batch() {
  batch_.clear();
  for (Sequence* sequence : running_) {
    for (int i = 0; i < sequence->n_step; ++i) {
      const int position = sequence->n_computed + i;
      batch_.push_back({sequence->tokens[static_cast<std::size_t>(position)], position,
                        &sequence->kv, position + 1 == sequence->n_tokens()});
    }
  }
}

// False: interactive work came in the middle of a step of background work, which was given up.
bool EngineCore::run_batch() {
  if (running_class_ == Priority::kInteractive) {
    model_.forward(batch_, logits_.data());
    return true;
  }
  // Shorter steps after one that was given up, so that background work advances between requests.
  constexpr double kLeastScale = 1.0 / 64;
  const bool done = model_.forward_unless(interactive_arrived_, batch_, logits_.data());
  background_scale_ =
      done ? std::min(1.0, 2 * background_scale_) : std::max(kLeastScale, background_scale_ / 2);
  return done;
}

bool EngineCore::step() {
  if (!plan_step()) return false;
  build_batch();
  const Time begin = EngineClock::now();
  if (!run_batch()) return true;
  take_results(milliseconds_between(begin, EngineClock::now()));
  return true;
}

void EngineCore::take_results(double ms) {
  StepFacts facts{0, 0, ms};
  for (const Sequence* sequence : running_) {
    (sequence->phase == Phase::kAnswer ? facts.n_decoded : facts.n_prompt_tokens) +=
        sequence->n_step;
  }
  sizer_.record(facts);
  if (facts.n_prompt_tokens > 0) prompt_speed_.record(facts.n_prompt_tokens, ms);
  if (facts.n_decoded > 0) answer_speed_.record(facts.n_decoded, ms);
  ++counters_.n_steps;
  counters_.n_prompt_tokens += static_cast<std::uint64_t>(facts.n_prompt_tokens);
  {
    const std::lock_guard lock(status_mutex_);
    last_progress_ = EngineClock::now();
  }
  const auto vocab_size = static_cast<std::size_t>(model_.config().vocab_size);
  std::span<const float> logits(logits_);
  for (Sequence* sequence : running_) {
    sequence->n_computed += sequence->n_step;
    if (sequence->phase == Phase::kPrompt) {
      insert_whole_pages(*sequence);
      sequence->report_progress();
    }
    if (sequence->n_pending() > 0) continue;
    advance(*sequence, logits.first(vocab_size));
    logits = logits.subspan(vocab_size);
  }
}

void EngineCore::advance(Sequence& sequence, std::span<const float> logits) {
  sequence.phase = Phase::kAnswer;
  if (!sequence.has_answered) {
    sequence.has_answered = true;
    sequence.answer_started = EngineClock::now();
  }
  const auto next = sequence.answer.next(logits);
  if (!next) return end(sequence, std::unexpected(next.error()));
  if (next->id) {
    sequence.tokens.push_back(*next->id);
    ++counters_.n_generated_tokens;
  }
  if (const auto chunk = sequence.answer.take_chunk(); chunk && sequence.sink.on_chunk) {
    sequence.sink.on_chunk(*chunk);
  }
  if (next->ended) return end(sequence, *next->ended);
  if (sequence.n_tokens() > options_.context_length) end(sequence, StopReason::kContextFull);
}

}  // namespace jevons
