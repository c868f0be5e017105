#include "model/kv_cache.h"

namespace jevons {

KvLayout KvLayout::of(const ModelConfig& config, kernels::KvFormat format,
                      const kernels::KernelSet& set) {
  KvLayout layout{format, config.n_layers, config.n_kv_heads, config.head_dim, 0, 0};
  layout.head_bytes = set.kv_row_bytes(format, config.head_dim) * kernels::kKeysPerPage;
  layout.page_bytes =
      layout.head_bytes * 2 * static_cast<std::size_t>(config.n_layers * config.n_kv_heads);
  return layout;
}

void KvSequence::reserve(int n_tokens) {
  const int n_pages = (n_tokens + kernels::kKeysPerPage - 1) / kernels::kKeysPerPage;
  while (static_cast<int>(pages_.size()) < n_pages) {
    pages_.push_back(std::make_shared<AlignedBuffer>(layout_.page_bytes));
  }
}

}  // namespace jevons
