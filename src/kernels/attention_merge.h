// Puts together what attention gives over two stretches of a context. Any thread.
#pragma once

namespace jevons::kernels {

/// A softmax still to be divided by its sum, of some query heads, as attend_page leaves it.
struct AttentionPartial {
  float* maximum;  // [n_queries]
  float* sum;      // [n_queries]
  float* output;   // [n_queries][head_dim]
};

/// into = into and `later` together. The same bits on every machine: products and sums are rounded
/// one by one.
void merge_attention(const AttentionPartial& later, int n_queries, int head_dim,
                     const AttentionPartial& into);

}  // namespace jevons::kernels
