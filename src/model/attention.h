// Causal attention of one layer over the KV pages of each token's sequence.
// Thread: the owner of the pool. Nothing here allocates after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
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
  /// Keys and values of all those positions are stored. Pages are merged in order of position.
  void run(int layer, std::span<const AttentionToken> tokens);

 private:
  void attend(int layer, const AttentionToken& token, int kv_head, int thread) const;

  const int n_kv_heads_;
  const int group_size_;  // query heads that share a KV head
  const int head_dim_;
  const KvLayout layout_;
  const kernels::KernelSet& set_;
  ThreadPool& pool_;
  std::vector<AlignedBuffer> encoded_queries_;  // one for each thread
};

}  // namespace jevons
