// Causal attention of one layer over the KV pages of each token's sequence.
// Thread: the owner of the pool. Nothing here allocates after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/attention_merge.h"
#include "kernels/kernel_set.h"
#include "model/kv_cache.h"
#include "weights/model_config.h"

namespace jevons {

/// A token whose query looks back over its sequence, itself included.
struct AttentionToken {
  const KvSequence* sequence;
  int position;
  const float* query;  // [n_heads][head_dim], normed and rotated
  float* output;       // [n_heads][head_dim]
};

class Attention {
 public:
  Attention(const ModelConfig& config, const KvLayout& layout, const kernels::KernelSet& set,
            ThreadPool& pool);

  /// output = softmax(query . keys / sqrt(head_dim)) . values over positions 0..position.
  /// Keys and values of all those positions are stored. Pages are merged in order of position
  /// within stretches of kStretchPages, and stretches in order of position: whichever thread has
  /// which, the bits are the same.
  void run(int layer, std::span<const AttentionToken> tokens);

  static constexpr int kStretchPages = 64;

 private:
  /// Running softmaxes of the query heads of one KV head.
  [[nodiscard]] kernels::AttentionPartial partial_at(const FloatRows& rows, std::size_t row) const;
  void attend_stretch(int layer, const AttentionToken& token, int kv_head, int stretch,
                      const kernels::AttentionPartial& into, int thread) const;
  void divide(const AttentionToken& token, int kv_head,
              const kernels::AttentionPartial& partial) const;
  void run_whole(int layer, std::span<const AttentionToken> tokens);
  void run_split(int layer, std::span<const AttentionToken> tokens, int n_stretches);

  const int n_kv_heads_;
  const int group_size_;  // query heads that share a KV head
  const int head_dim_;
  const KvLayout layout_;
  const kernels::KernelSet& set_;
  ThreadPool& pool_;
  std::vector<AlignedBuffer> encoded_queries_;  // one for each thread
  // A partial in each row: outputs, maximums and sums. One row for each thread and one more for
  // each to merge into; and for work that is split along the context.
  FloatRows own_, split_;
  std::size_t n_split_ = 0;  // rows of split_
};

}  // namespace jevons
