// One step: which tokens go through the network together, and what comes of their logits.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "engine/engine_core.h"
#include "model/routing_recorder.h"

namespace jevons {
namespace {

using Phase = Sequence::Phase;

}  // namespace

// Decides how many tokens of whom are in the step, and finds pages for them. False: nothing can go.
bool EngineCore::plan_step() {
  step_.running.clear();
  prompts_.clear();
  const bool any_interactive = std::any_of(live_.begin(), live_.end(), [](const auto& s) {
    return s->can_run() && !s->has_ended && s->priority == Priority::kInteractive;
  });
  running_class_ = any_interactive ? Priority::kInteractive : Priority::kBackground;
  int n_decoding = 0;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    Sequence& sequence = *live_[i];
    if (sequence.in_long_pass) continue;
    sequence.n_step = 0;
    sequence.draft.clear();
    if (!takes_part(sequence) || sequence.priority != running_class_) continue;
    if (sequence.phase == Phase::kPrompt) {
      if (is_between_ && sequence.n_pending() > kMostBetween) continue;
      prompts_.push_back({i, sequence.n_pending(), sequence.id});
    } else {
      sequence.n_step = make_room(sequence, 1);
      n_decoding += sequence.n_step;
    }
  }
  int n_slice = sizer_.n_tokens(n_decoding);
  if (is_between_) n_slice = std::min(n_slice, kMostBetween);
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
  leave_answers_out();
  for (const auto& sequence : live_) {
    if (sequence->n_step > 0 && takes_part(*sequence)) step_.running.push_back(sequence.get());
  }
  if (options_.speculate) plan_drafts();
  return !step_.running.empty();
}

void EngineCore::build_batch() {
  step_.batch.clear();
  for (Sequence* sequence : step_.running) {
    int position = sequence->n_computed;
    const int n_known = sequence->n_step - static_cast<int>(sequence->draft.size());
    for (int i = 0; i < n_known; ++i, ++position) {
      step_.batch.push_back({sequence->tokens[static_cast<std::size_t>(position)], position,
                             &sequence->kv, position + 1 == sequence->n_tokens()});
    }
    for (const std::int32_t id : sequence->draft) {
      step_.batch.push_back({id, position++, &sequence->kv, true});
    }
  }
}

// False: there are no results. The step was given up because interactive work came in the middle of
// background work, or because nobody wants its results any more; or the experts that it needs
// cannot be read, which ends all that were in it.
bool EngineCore::run_batch() {
  const auto ended_by = [&](const Error& error) {
    for (Sequence* sequence : step_.running) end(*sequence, std::unexpected(error));
    note_progress();
    return false;
  };
  const bool is_background = running_class_ == Priority::kBackground;
  PassControl control;
  if (is_background) control.abandon = &interactive_arrived_;
  if (in_long_pass_ && !is_between_) control.between_layers = [this] { return go_on_between(); };
  Model& model = is_between_ ? *options_.between : model_;
  const auto done = model.forward_unless(control, step_.batch, step_.logits.data());
  end_long_pass(done.value_or(false));
  if (!done) return ended_by(done.error());
  // Shorter steps after one that was given up, so that background work advances between requests.
  constexpr double kLeastScale = 1.0 / 64;
  if (is_background) {
    background_scale_ =
        *done ? std::min(1.0, 2 * background_scale_) : std::max(kLeastScale, background_scale_ / 2);
  }
  return *done;
}

bool EngineCore::step() {
  if (!plan_step()) return false;
  build_batch();
  begin_long_pass();
  const Time begin = begin_work();
  const bool has_results = run_batch();
  const Time end = end_work();
  report_recording();
  if (has_results) take_results(milliseconds_between(begin, end));
  return true;
}

// Answers do not suffer from a trace that cannot be written.
void EngineCore::report_recording() const {
  if (options_.recorder == nullptr) return;
  if (const auto problem = options_.recorder->take_problem()) spdlog::error(problem->message);
}

void EngineCore::take_results(double ms) {
  SpeculationGate::Step facts{.ms = ms};
  for (const Sequence* sequence : step_.running) {
    const int n_guesses = static_cast<int>(sequence->draft.size());
    facts.n_guesses += n_guesses;
    if (sequence->phase == Phase::kAnswer) {
      ++facts.n_answers;
    } else {
      facts.n_prompt_tokens += sequence->n_step;
    }
  }
  note_progress();
  const auto vocab_size = static_cast<std::size_t>(model_.config().vocab_size);
  std::span<const float> logits(step_.logits);
  for (Sequence* sequence : step_.running) {
    // Guesses count when they have come true.
    sequence->n_computed += sequence->n_step - static_cast<int>(sequence->draft.size());
    if (sequence->phase == Phase::kPrompt) {
      insert_whole_pages(*sequence);
      sequence->report_progress();
    }
    const bool has_logits = sequence->n_pending() == 0;
    if (sequence->ends_as) end(*sequence, *sequence->ends_as);
    if (!has_logits) continue;
    const std::size_t n_logits = (1 + sequence->draft.size()) * vocab_size;
    if (!sequence->has_ended) facts.n_right += advance(*sequence, logits.first(n_logits));
    logits = logits.subspan(n_logits);
  }
  count_step(facts);
}

void EngineCore::count_step(const SpeculationGate::Step& facts) {
  // What a step without guesses takes is what its slices are measured against.
  if (facts.n_guesses == 0 || facts.n_prompt_tokens > 0) {
    const int n_slice = facts.n_prompt_tokens > 0 ? facts.n_prompt_tokens + facts.n_guesses : 0;
    sizer_.record({facts.n_answers, n_slice, facts.ms});
  }
  gate_.record(facts);
  if (facts.n_prompt_tokens > 0) prompt_speed_.record(facts.n_prompt_tokens, facts.ms);
  if (facts.n_answers > 0) answer_speed_.record(facts.n_answers + facts.n_right, facts.ms);
  ++counters_.n_steps;
  counters_.n_prompt_tokens += static_cast<std::uint64_t>(facts.n_prompt_tokens);
  counters_.n_drafted_tokens += static_cast<std::uint64_t>(facts.n_guesses);
  counters_.n_accepted_drafts += static_cast<std::uint64_t>(facts.n_right);
}

// Takes the token that follows from the first logits, and those that follow from the next ones as
// long as each was guessed right; returns how many guesses were. The answer is asked for each token
// as if it came alone, so nothing of it depends on what was guessed.
// logits: [1 + guesses][vocab_size]
int EngineCore::advance(Sequence& sequence, std::span<const float> logits) {
  if (sequence.phase != Phase::kAnswer) gate_.answers_changed();
  sequence.phase = Phase::kAnswer;
  if (!sequence.has_answered) {
    sequence.has_answered = true;
    sequence.answer_started = EngineClock::now();
  }
  const std::size_t vocab_size = logits.size() / (1 + sequence.draft.size());
  std::size_t n_right = 0;
  std::optional<StopReason> ended;
  for (;;) {
    const auto next = sequence.answer.next(logits.subspan(n_right * vocab_size, vocab_size));
    if (!next) {
      end(sequence, std::unexpected(next.error()));
      return static_cast<int>(n_right);
    }
    ended = next->ended;
    if (next->id) {
      sequence.tokens.push_back(*next->id);
      ++counters_.n_generated_tokens;
      if (options_.speculate) learn_guess(sequence);
    }
    if (!ended && sequence.n_tokens() > options_.context_length) ended = StopReason::kContextFull;
    if (ended || n_right == sequence.draft.size() || next->id != sequence.draft[n_right]) break;
    ++n_right;
    ++sequence.n_computed;
  }
  if (const auto chunk = sequence.answer.take_chunk(); chunk && sequence.sink.on_chunk) {
    sequence.sink.on_chunk(*chunk);
  }
  if (ended) end(sequence, *ended);
  return static_cast<int>(n_right);
}

}  // namespace jevons
