#include "model/attention.h"

#include <algorithm>
#include <limits>

namespace jevons {
namespace {

// Fewer shares of work than this for each thread are split along the context.
constexpr int kFewestShares = 2;

int n_stretches_of(const AttentionToken& token) {
  return token.position / (kernels::kKeysPerPage * Attention::kStretchPages) + 1;
}

}  // namespace

Attention::Attention(const ModelConfig& config, const KvLayout& layout,
                     const kernels::KernelSet& set, ThreadPool& pool)
    : n_kv_heads_(config.n_kv_heads),
      group_size_(config.n_heads / config.n_kv_heads),
      head_dim_(config.head_dim),
      layout_(layout),
      set_(set),
      pool_(pool) {
  for (int thread = 0; thread < pool.n_threads(); ++thread) {
    encoded_queries_.emplace_back(set.query_bytes(layout.format, group_size_, head_dim_));
  }
  const auto n_threads = static_cast<std::size_t>(pool.n_threads());
  const auto partial = static_cast<std::size_t>(group_size_ * (head_dim_ + 2));
  own_ = FloatRows(2 * n_threads, partial);
  if (n_threads * kFewestShares <= static_cast<std::size_t>(n_kv_heads_)) return;
  const auto most_stretches =
      static_cast<std::size_t>(config.context_length / (kernels::kKeysPerPage * kStretchPages) + 1);
  // Memory that a short context never touches.
  n_split_ = n_threads * kFewestShares * most_stretches;
  split_ = FloatRows(n_split_, partial);
}

kernels::AttentionPartial Attention::partial_at(const FloatRows& rows, std::size_t row) const {
  float* output = rows.row(row);
  float* maximum = output + static_cast<std::ptrdiff_t>(group_size_) * head_dim_;
  return {maximum, maximum + group_size_, output};
}

void Attention::attend_stretch(int layer, const AttentionToken& token, int kv_head, int stretch,
                               const kernels::AttentionPartial& into, int thread) const {
  std::byte* queries = encoded_queries_[static_cast<std::size_t>(thread)].data();
  const int first_query = kv_head * group_size_ * head_dim_;
  set_.encode_queries(layout_.format, token.query + first_query, group_size_, head_dim_, queries);
  std::fill_n(into.maximum, group_size_, -std::numeric_limits<float>::infinity());
  std::fill_n(into.sum, group_size_, 0.0F);
  std::fill_n(into.output, group_size_ * head_dim_, 0.0F);

  const int n_pages = token.position / kernels::kKeysPerPage + 1;
  const int end = std::min(n_pages, (stretch + 1) * kStretchPages);
  for (int page = stretch * kStretchPages; page < end; ++page) {
    const int start = page * kernels::kKeysPerPage;
    set_.attend_page(layout_.format,
                     {queries, group_size_, token.sequence->keys(layer, kv_head, page),
                      token.sequence->values(layer, kv_head, page),
                      std::min(kernels::kKeysPerPage, token.position + 1 - start), head_dim_,
                      into.maximum, into.sum, into.output,
                      page + 1 < end ? token.sequence->keys(layer, kv_head, page + 1) : nullptr});
  }
}

void Attention::divide(const AttentionToken& token, int kv_head,
                       const kernels::AttentionPartial& partial) const {
  float* output = token.output + static_cast<std::ptrdiff_t>(kv_head) * group_size_ * head_dim_;
  for (int head = 0; head < group_size_; ++head) {
    const float scale = 1.0F / partial.sum[head];
    for (int i = 0; i < head_dim_; ++i) {
      output[head * head_dim_ + i] = partial.output[head * head_dim_ + i] * scale;
    }
  }
}

void Attention::run_whole(int layer, std::span<const AttentionToken> tokens) {
  const int n_tokens = static_cast<int>(tokens.size());
  pool_.parallel_for(n_tokens * n_kv_heads_, [&](int index, int thread) {
    // Neighbouring tasks share a KV head, so that its pages are still in the cache.
    const int kv_head = index / n_tokens;
    const AttentionToken& token = tokens[static_cast<std::size_t>(index % n_tokens)];
    const auto row = 2 * static_cast<std::size_t>(thread);
    const kernels::AttentionPartial all = partial_at(own_, row);
    const kernels::AttentionPartial later = partial_at(own_, row + 1);
    attend_stretch(layer, token, kv_head, 0, all, thread);
    for (int stretch = 1; stretch < n_stretches_of(token); ++stretch) {
      attend_stretch(layer, token, kv_head, stretch, later, thread);
      kernels::merge_attention(later, group_size_, head_dim_, all);
    }
    divide(token, kv_head, all);
  });
}

void Attention::run_split(int layer, std::span<const AttentionToken> tokens, int n_stretches) {
  const int n_pairs = static_cast<int>(tokens.size()) * n_kv_heads_;
  const auto row_of = [&](int pair, int stretch) {
    return static_cast<std::size_t>(pair * n_stretches + stretch);
  };
  const auto token_of = [&](int pair) -> const AttentionToken& {
    return tokens[static_cast<std::size_t>(pair / n_kv_heads_)];
  };
  pool_.parallel_for(n_pairs * n_stretches, [&](int index, int thread) {
    const int pair = index / n_stretches;
    const int stretch = index % n_stretches;
    if (stretch >= n_stretches_of(token_of(pair))) return;
    attend_stretch(layer, token_of(pair), pair % n_kv_heads_, stretch,
                   partial_at(split_, row_of(pair, stretch)), thread);
  });
  pool_.parallel_for(n_pairs, [&](int pair, int) {
    const kernels::AttentionPartial all = partial_at(split_, row_of(pair, 0));
    for (int stretch = 1; stretch < n_stretches_of(token_of(pair)); ++stretch) {
      kernels::merge_attention(partial_at(split_, row_of(pair, stretch)), group_size_, head_dim_,
                               all);
    }
    divide(token_of(pair), pair % n_kv_heads_, all);
  });
}

void Attention::run(int layer, std::span<const AttentionToken> tokens) {
  int n_stretches = 0;
  for (const AttentionToken& token : tokens) {
    n_stretches = std::max(n_stretches, n_stretches_of(token));
  }
  const auto n_pairs = tokens.size() * static_cast<std::size_t>(n_kv_heads_);
  const bool has_shares_enough =
      n_pairs >= static_cast<std::size_t>(pool_.n_threads()) * kFewestShares;
  if (n_stretches == 1 || has_shares_enough ||
      n_pairs * static_cast<std::size_t>(n_stretches) > n_split_) {
    run_whole(layer, tokens);
  } else {
    run_split(layer, tokens, n_stretches);
  }
}

}  // namespace jevons
