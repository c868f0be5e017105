#include "kernels/attention_merge.h"

#include <cstddef>

#include "kernels/vector_kernels.h"

namespace jevons::kernels {

void merge_attention(const AttentionPartial& later, int n_queries, int head_dim,
                     const AttentionPartial& into) {
  for (int q = 0; q < n_queries; ++q) {
    const float maximum = into.maximum[q] > later.maximum[q] ? into.maximum[q] : later.maximum[q];
    const float share = exponential(into.maximum[q] - maximum);
    const float later_share = exponential(later.maximum[q] - maximum);
    into.maximum[q] = maximum;
    into.sum[q] = into.sum[q] * share + later.sum[q] * later_share;
    float* output = into.output + static_cast<std::ptrdiff_t>(q) * head_dim;
    const float* more = later.output + static_cast<std::ptrdiff_t>(q) * head_dim;
    for (int i = 0; i < head_dim; ++i) output[i] = output[i] * share + more[i] * later_share;
  }
}

}  // namespace jevons::kernels
