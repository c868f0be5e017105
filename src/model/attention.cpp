#include "model/attention.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"

namespace jevons {
namespace {

constexpr int kLargestGroup = 64;

}  // namespace

Attention::Attention(const ModelConfig& config, const KvLayout& layout,
                     const kernels::KernelSet& set, ThreadPool& pool)
    : n_kv_heads_(config.n_kv_heads),
      group_size_(config.n_heads / config.n_kv_heads),
      head_dim_(config.head_dim),
      layout_(layout),
      set_(set),
      pool_(pool) {
  JEVONS_CHECK(group_size_ <= kLargestGroup);
  for (int thread = 0; thread < pool.n_threads(); ++thread) {
    encoded_queries_.emplace_back(set.query_bytes(layout.format, group_size_, head_dim_));
  }
}

void Attention::attend(int layer, const AttentionToken& token, int kv_head, int thread) const {
  const auto first = static_cast<std::size_t>(kv_head * group_size_ * head_dim_);
  float* output = token.output + first;
  std::byte* queries = encoded_queries_[static_cast<std::size_t>(thread)].data();
  set_.encode_queries(layout_.format, token.query + first, group_size_, head_dim_, queries);

  std::array<float, kLargestGroup> maximum;
  std::array<float, kLargestGroup> sum;
  maximum.fill(-std::numeric_limits<float>::infinity());
  sum.fill(0.0F);
  std::fill_n(output, group_size_ * head_dim_, 0.0F);

  const int n_pages = token.position / kernels::kKeysPerPage + 1;
  for (int page = 0; page < n_pages; ++page) {
    const int start = page * kernels::kKeysPerPage;
    set_.attend_page(
        layout_.format,
        {queries, group_size_, token.sequence->keys(layer, kv_head, page),
         token.sequence->values(layer, kv_head, page),
         std::min(kernels::kKeysPerPage, token.position + 1 - start), head_dim_, maximum.data(),
         sum.data(), output,
         page + 1 < n_pages ? token.sequence->keys(layer, kv_head, page + 1) : nullptr});
  }
  for (int head = 0; head < group_size_; ++head) {
    const float scale = 1.0F / sum[static_cast<std::size_t>(head)];
    for (int i = 0; i < head_dim_; ++i) output[head * head_dim_ + i] *= scale;
  }
}

void Attention::run(int layer, std::span<const AttentionToken> tokens) {
  const int n_tasks = static_cast<int>(tokens.size()) * n_kv_heads_;
  pool_.parallel_for(n_tasks, [&](int index, int thread) {
    // Neighbouring tasks share a KV head, so that its pages are still in the cache.
    const int kv_head = index / static_cast<int>(tokens.size());
    const int t = index % static_cast<int>(tokens.size());
    attend(layer, tokens[static_cast<std::size_t>(t)], kv_head, thread);
  });
}

}  // namespace jevons
