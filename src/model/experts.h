// The mixture of experts of one layer: route each token to a few experts, run each expert once for
// all tokens that chose it, add the results in the router's order. Experts that are read from disk
// are run as they come, which changes nothing of the result: each adds to it in its own turn.
// Thread: the owner of the pool. Nothing here allocates after construction.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/result.h"
#include "base/thread_pool.h"
#include "kernels/kernel_set.h"
#include "model/linear.h"
#include "weights/expert_cache.h"
#include "weights/m2_weights.h"

namespace jevons {

class Experts {
 public:
  /// cache: where the experts are, if not all in memory; else null. Not owned.
  Experts(const M2Weights& weights, const kernels::KernelSet& set, ThreadPool& pool, Linear& linear,
          int max_tokens, ExpertCache* cache);

  /// Chooses each token's experts. normed: n_tokens rows of [hidden_size]. forced: null, or for
  /// each token null or a pointer to [n_experts_used] experts to take in that order. After the call
  /// chosen(t) holds what was taken.
  void route(const LayerWeights& layer, const FloatRows& normed, int n_tokens,
             const std::int32_t* const* forced);

  /// Takes note of what the tokens that were routed last have chosen; experts that are not in
  /// memory begin to be read. Must come before mix().
  void choose(int layer_index, int n_tokens);

  /// hidden[t] += sum over the chosen experts of weight * expert(normed[t]), for the tokens that
  /// were routed last. hidden: rows of [hidden_size]. Fails if an expert cannot be read. Once
  /// `abandon` (may be null) is true, it may leave experts out.
  [[nodiscard]] Result<void> mix(int layer_index, const LayerWeights& layer,
                                 const FloatRows& hidden, int n_tokens,
                                 const std::atomic<bool>* abandon);

  /// Different experts among those that the last tokens chose.
  [[nodiscard]] int n_run() const { return static_cast<int>(used_.size()); }
  [[nodiscard]] std::span<const int> run() const { return used_; }

  [[nodiscard]] const int* chosen(int token) const {
    return experts_.data() + static_cast<std::size_t>(token * n_used_);
  }

 private:
  void force(int token, const std::int32_t* experts);
  void group_by_expert(int n_tokens);
  void run_some(int layer_index, const LayerWeights& layer, std::span<const int> experts);
  void project_in(int layer_index, const LayerWeights& layer, std::span<const int> experts);
  void project_out(int layer_index, const LayerWeights& layer, std::span<const int> experts);
  [[nodiscard]] Matrix matrix(int layer_index, const ExpertMatrices& matrices, int expert,
                              std::size_t part) const;
  [[nodiscard]] std::span<const int> slots_of(int expert) const;

  const ModelConfig& config_;
  const int n_used_;
  const kernels::KernelSet& set_;
  ThreadPool& pool_;
  Linear& linear_;

  FloatRows router_logits_;    // [max_tokens][n_experts]
  std::vector<int> experts_;   // [max_tokens][n_used]
  std::vector<float> shares_;  // [max_tokens][n_used], sum to 1

  // A slot is one choice: slot = token * n_used + rank. Slots are listed expert by expert.
  std::vector<int> first_slot_;  // [n_experts + 1]: where an expert's slots begin in slots_
  std::vector<int> slots_;       // [max_tokens * n_used]
  FloatRows gate_, up_;          // [slot][expert_size]
  FloatRows output_;             // [slot][hidden_size]
  EncodedRows encoded_input_;    // [token]
  EncodedRows encoded_gated_;    // [slot]
  std::vector<const std::byte*> x_gate_, x_up_, x_down_, x_router_;  // in the order of slots_
  std::vector<float*> y_gate_, y_up_, y_down_, y_router_;
  std::vector<MatmulJob> jobs_;
  std::vector<int> used_;        // experts that the last tokens chose, in order
  std::vector<int> some_slots_;  // of the experts that are run at once
  std::vector<ExpertUse> uses_;
  ExpertCache* cache_;
};

}  // namespace jevons
