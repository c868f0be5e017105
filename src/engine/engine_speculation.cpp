// Speculation: tokens that an answer may be repeating from its prompt or from itself go into a step
// together with the token that is known, and are taken if they turn out to be what comes anyway.
// Keys and values of the others are written over by what did come.
#include <algorithm>

#include "engine/engine_core.h"

namespace jevons {

// Last of all: guesses never take a page from anybody, nor a place in the step.
void EngineCore::plan_drafts() {
  candidates_.clear();
  int n_prompt_tokens = 0;
  for (const Sequence* sequence : step_.running) {
    if (sequence->phase == Sequence::Phase::kAnswer) {
      candidates_.push_back(
          {&sequence->guess_record, most_guesses(*sequence), sequence->lookup.match().length});
    } else {
      n_prompt_tokens += sequence->n_step;
    }
  }
  if (options_.forced_guesses > 0) {
    int n_left = SpeculationGate::kMostGuesses;
    for (SpeculationGate::Candidate& candidate : candidates_) {
      candidate.n_guesses = std::min({candidate.n_most, options_.forced_guesses, n_left});
      n_left -= candidate.n_guesses;
    }
  } else {
    gate_.choose(candidates_, n_prompt_tokens);
  }
  std::size_t index = 0;
  for (Sequence* sequence : step_.running) {
    if (sequence->phase != Sequence::Phase::kAnswer) continue;
    write_draft(*sequence, candidates_[index++].n_guesses);
  }
}

// Not beyond where the answer must end.
int EngineCore::most_guesses(const Sequence& sequence) const {
  if (sequence.lookup.match().length == 0) return 0;
  int n = std::min(SpeculationGate::kMostGuesses, options_.context_length - sequence.n_tokens());
  if (sequence.max_tokens > 0) {
    n = std::min(n, sequence.max_tokens - sequence.answer.n_generated() - 1);
  }
  return std::max(0, n);
}

void EngineCore::write_draft(Sequence& sequence, int n_guesses) {
  for (int i = 0; i < n_guesses; ++i) {
    if (sequence.kv.capacity() == sequence.n_computed + sequence.n_step) {
      KvPage page = acquire_page();
      if (!page) return;
      sequence.kv.append_page(std::move(page));
    }
    sequence.draft.push_back(sequence.lookup.guess(sequence.tokens, i));
    ++sequence.n_step;
  }
}

// After a token came: whether it was what would have been guessed, and what to guess next.
void EngineCore::learn_guess(Sequence& sequence) {
  const DraftLookup::Match match = sequence.lookup.match();
  if (match.length > 0) {
    const std::int32_t guess = sequence.tokens[static_cast<std::size_t>(match.place)];
    gate_.record_guess(sequence.guess_record, match.length, sequence.tokens.back() == guess);
  }
  sequence.lookup.append(sequence.tokens);
}

}  // namespace jevons
