// One answer while it is written: which token comes next, where it ends, what of its text can be
// shown. Knows nothing of batches and pages. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/completion.h"
#include "engine/sampler.h"
#include "engine/stop_matcher.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace jevons {

/// What all answers of a model share. Must outlive them.
struct AnswerRules {
  const Tokenizer& tokenizer;
  std::optional<std::int32_t> end_of_turn{};
  std::optional<std::int32_t> think_end{};       // the token </think>
  std::vector<std::int32_t> closes_reasoning{};  // "\n</think>\n\n"
  std::vector<std::uint64_t> mask{};             // scratch for constraints: [ceil(vocab_size / 64)]

  [[nodiscard]] static AnswerRules of(const Tokenizer& tokenizer);
};

class Answer {
 public:
  /// Takes everything of `request` but the prompt, which is its history. sampling.seed must be set.
  Answer(CompletionRequest&& request, AnswerRules& rules);

  struct Next {
    std::optional<std::int32_t> id;  // a token of the answer; absent if it ended before one
    std::optional<StopReason> ended;
  };
  /// The token after the one that `logits` [vocab_size] belong to. Errors: logits that are not
  /// finite, a constraint that allows nothing.
  [[nodiscard]] Result<Next> next(std::span<const float> logits);

  /// What can be shown since the last time, if anything.
  [[nodiscard]] std::optional<CompletionChunk> take_chunk();
  /// What was held back; nothing comes after it. The end can complete a stop string.
  [[nodiscard]] std::optional<CompletionChunk> finish();

  [[nodiscard]] const std::optional<std::string>& matched_stop() const {
    return matcher_.matched();
  }
  [[nodiscard]] const std::vector<std::int32_t>& ids() const { return ids_; }
  [[nodiscard]] int n_generated() const { return static_cast<int>(ids_.size()); }
  [[nodiscard]] int n_reasoning() const { return n_reasoning_; }
  [[nodiscard]] bool reasoning_was_cut() const { return reasoning_was_cut_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }

 private:
  struct Choice {
    std::optional<std::int32_t> id;
    bool is_forced = false;  // written by the engine, neither sampled nor scripted
  };
  [[nodiscard]] Result<Choice> choose(std::span<const float> logits);
  [[nodiscard]] Result<std::int32_t> sample(std::span<const float> logits);
  [[nodiscard]] bool is_stop(std::int32_t id) const;
  void forbid_end(std::span<std::uint64_t> mask) const;
  void record_logprobs(std::int32_t id, std::span<const float> logits);
  void add(std::int32_t id, bool is_forced);

  AnswerRules& rules_;
  const int max_tokens_;
  const int n_logprobs_;
  const int reasoning_budget_;
  const std::vector<std::int32_t> stop_tokens_;
  const std::vector<std::int32_t> script_;
  const bool is_scripted_;
  const std::uint64_t seed_;
  std::shared_ptr<OutputConstraint> constraint_;

  Sampler sampler_;
  Detokenizer detokenizer_;
  StopMatcher matcher_;
  CompletionChunk pending_;
  std::vector<std::int32_t> ids_;
  std::size_t n_scripted_ = 0;  // of script_, taken
  std::size_t n_closed_;        // of rules_.closes_reasoning, written; all if not closing
  bool in_reasoning_;
  bool reasoning_was_cut_ = false;
  int n_reasoning_ = 0;
};

}  // namespace jevons
