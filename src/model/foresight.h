// Guesses which experts a later layer will choose, by running its router on the hidden state before
// it: the state changes little from layer to layer (of M2.5's choices 78 % are foreseen one layer
// ahead, 72 % two; measured by others, docs/PERFORMANCE.md).
// Thread: the model's owner. Nothing here allocates after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/kernel_set.h"
#include "model/linear.h"
#include "weights/m2_weights.h"

namespace jevons {

class Foresight {
 public:
  /// More tokens at once touch so many experts that a guess says little.
  static constexpr int kMostTokens = 8;

  Foresight(const M2Weights& weights, const kernels::KernelSet& set, Linear& linear);

  /// Experts that the tokens will probably choose in `layer`, each once: by rank, so of each token
  /// the one first that its router likes most. hidden: n_tokens rows of [hidden_size]; at most
  /// kMostTokens. Valid until the next call.
  [[nodiscard]] std::span<const int> guess(int layer, const FloatRows& hidden, int n_tokens);
  /// Only what the router of `layer` likes of each token, for studies: nothing is learnt of it.
  /// hidden: rows first_row to first_row + n_tokens; at most kMostTokens. Returns
  /// [n_tokens][n_experts_used], valid until the next call.
  [[nodiscard]] const int* foresee(int layer, const FloatRows& hidden, int first_row, int n_tokens);
  /// The same from a recorded guess instead: for each token [n_experts_used].
  [[nodiscard]] std::span<const int> take_recorded(int layer,
                                                   std::span<const std::int32_t* const> experts);

  /// Of the last guess, for `layer`, those that are not in memory: which of them should be read. A
  /// wrong read takes the disk's time, and what is popular and likely is in memory anyhow, so each
  /// rank has to show that its absent experts are used more often than not.
  [[nodiscard]] std::span<const int> worth_reading(int layer, std::span<const int> absent);

  /// Whether any rank does. If not, now and then a guess is made all the same, to see whether that
  /// has changed.
  [[nodiscard]] bool is_worthwhile();

  /// What the layer chose in truth, each expert once; compares it with the last guess for it.
  void learn_truth(int layer, std::span<const int> chosen);

  /// Guesses that were compared, and of them those that came true; choices that were guessed at.
  struct Counts {
    std::uint64_t n_guessed = 0, n_right = 0, n_chosen = 0;
    Counts& operator+=(const Counts& other) {
      n_guessed += other.n_guessed;
      n_right += other.n_right;
      n_chosen += other.n_chosen;
      return *this;
    }
  };
  /// Any thread.
  [[nodiscard]] Counts counts() const {
    return {n_guessed_.load(), n_right_.load(), n_chosen_.load()};
  }

 private:
  void add(int expert, int rank);
  void note(int layer);
  [[nodiscard]] std::uint8_t& was_guessed(int layer, int expert) {
    return guessed_[static_cast<std::size_t>(layer) *
                        static_cast<std::size_t>(weights_.config.n_experts) +
                    static_cast<std::size_t>(expert)];
  }

  const M2Weights& weights_;
  const kernels::KernelSet& set_;
  Linear& linear_;
  FloatRows normed_, logits_;  // [kMostTokens]
  EncodedRows encoded_;
  std::vector<const std::byte*> x_;
  std::vector<float*> y_;
  std::vector<int> chosen_;  // [kMostTokens][n_experts_used]
  std::vector<float> shares_;
  std::vector<int> experts_;             // the last guess
  std::vector<std::uint8_t> guessed_;    // [n_layers][n_experts]
  std::vector<std::uint8_t> has_guess_;  // [n_layers]
  std::atomic<std::uint64_t> n_guessed_ = 0, n_right_ = 0, n_chosen_ = 0;

  struct Tried {
    int expert;
    std::size_t rank;
  };
  std::vector<std::size_t> ranks_;         // of experts_
  std::vector<std::vector<Tried>> tried_;  // [n_layers]: absent experts of the last guess
  std::vector<int> worth_reading_;
  std::vector<double> precision_;  // by rank: of absent experts, lately
  unsigned n_left_out_ = 0;        // guesses, since the last that was made
};

}  // namespace jevons
