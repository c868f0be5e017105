// The keys and values of one sequence, in pages of 64 tokens. A page holds every layer and head of
// its tokens, so that a prefix can be shared or written to disk page by page.
//
// Thread: the owner of the sequence reserves; during Model::forward the model's threads write and
// read different slots. Pages are shared between sequences by shared_ptr, and only a page that one
// sequence alone holds is ever written.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/result.h"
#include "kernels/kernel_set.h"
#include "weights/model_config.h"

namespace jevons {

/// Where a key lies in a page: [layer][kv head][keys, then values][64 slots].
struct KvLayout {
  kernels::KvFormat format;
  int n_layers;
  int n_kv_heads;
  int head_dim;
  std::size_t head_bytes;  // keys (or values) of one head of one layer in one page
  std::size_t page_bytes;

  [[nodiscard]] static KvLayout of(const ModelConfig& config, kernels::KvFormat format,
                                   const kernels::KernelSet& set);
  [[nodiscard]] std::size_t bytes_per_token() const { return page_bytes / kernels::kKeysPerPage; }
};

/// Keys and values of 64 tokens, all layers and heads: page_bytes of a KvLayout.
using KvPage = std::shared_ptr<AlignedBuffer>;

class KvSequence {
 public:
  explicit KvSequence(const KvLayout& layout) : layout_(layout) {}

  /// Makes room for positions 0..n_tokens-1. Pages that are there stay.
  void reserve(int n_tokens);

  /// Pages from elsewhere: shared ones, or those of a pool.
  void append_page(KvPage page) { pages_.push_back(std::move(page)); }
  void truncate_pages(int n_pages) { pages_.resize(static_cast<std::size_t>(n_pages)); }
  [[nodiscard]] const std::vector<KvPage>& pages() const { return pages_; }

  [[nodiscard]] int capacity() const {
    return static_cast<int>(pages_.size()) * kernels::kKeysPerPage;
  }
  [[nodiscard]] const KvLayout& layout() const { return layout_; }

  /// The keys (values) of one head in page `page`: 64 slots in the layout of kernels/.
  [[nodiscard]] std::byte* keys(int layer, int kv_head, int page) const {
    return pages_[static_cast<std::size_t>(page)]->data() + head_offset(layer, kv_head);
  }
  [[nodiscard]] std::byte* values(int layer, int kv_head, int page) const {
    return keys(layer, kv_head, page) + layout_.head_bytes;
  }

 private:
  [[nodiscard]] std::size_t head_offset(int layer, int kv_head) const {
    const auto index = static_cast<std::size_t>(layer * layout_.n_kv_heads + kv_head);
    return index * 2 * layout_.head_bytes;
  }

  KvLayout layout_;
  std::vector<KvPage> pages_;
};

}  // namespace jevons
