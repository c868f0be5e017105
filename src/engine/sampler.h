// Chooses the next token from logits. One Sampler serves one answer; one thread at a time.
// The same seed, parameters and logits give the same token on every machine.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "engine/sampling.h"

namespace jevons {

/// Token ids as bits: bit `id % 64` of word `id / 64`.
using TokenMask = std::span<const std::uint64_t>;

class Sampler {
 public:
  /// `history`: the prompt, for the repetition penalty's window. params.seed must be set.
  Sampler(const SamplingParams& params, std::span<const std::int32_t> history);

  /// logits: [vocab_size], of the model. Errors if one of them is not a number or infinite: that
  /// is a defect of the model file or of the arithmetic, and going on would write nonsense.
  /// `allowed`: [ceil(vocab_size / 64)], or empty for all; errors if it has no token.
  [[nodiscard]] Result<std::int32_t> sample(std::span<const float> logits, TokenMask allowed = {});

  /// Counts a token of the answer that was not sampled.
  void remember(std::int32_t id);

 private:
  struct Candidate {
    std::int32_t id;
    float logit;
    double probability;  // not normalised
  };
  [[nodiscard]] bool changes_logits() const;
  void apply_bias_and_penalties();
  void collect(std::span<const float> logits, TokenMask allowed);
  void collect_likeliest(std::span<const float> logits, TokenMask allowed, std::size_t n);
  void weigh_and_filter();
  [[nodiscard]] std::int32_t draw();

  SamplingParams params_;
  std::mt19937_64 random_;
  std::vector<std::int32_t> window_;  // ring of the last penalty_window tokens
  std::size_t window_next_ = 0;
  std::unordered_map<std::int32_t, int> answer_counts_;  // of the tokens sampled so far
  std::vector<float> logits_;                            // with bias and penalties, if there are
  std::vector<Candidate> candidates_;
  bool sorted_ = false;  // candidates_, likeliest first; else by id
};

/// Fails on the first logit that is not a number or infinite.
[[nodiscard]] Result<void> check_finite(std::span<const float> logits);

/// Index of the largest logit, the lowest one of equals.
[[nodiscard]] std::int32_t argmax(std::span<const float> logits);

/// Ids of the n largest logits, largest first, of equals the lower id first.
[[nodiscard]] std::vector<std::int32_t> largest(std::span<const float> logits, std::size_t n);

/// log(sum(exp(logits))): the natural logarithm of a token's probability is its logit minus this.
[[nodiscard]] double log_sum_exp(std::span<const float> logits);

}  // namespace jevons
