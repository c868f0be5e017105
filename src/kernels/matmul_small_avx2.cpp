// 32-element blocks for AVX2: four rows straight from memory for a few tokens, panels for more.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/panel_small_avx2.h"
#include "kernels/small_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {
namespace {

constexpr int kRows = kRowsAtOnceAvx2;
constexpr int kBlocksBetweenPrefetches = 4;

/// Adds four rows' block at `offset` times the token's block to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_block(const std::byte* const* rows, std::size_t offset,
                                     const ActivationQ8Small& x, __m128 sums) {
  using Block = typename Format::Block;
  const __m256i activations = load_32(x.quants);
  __m256i dots[kRows];
  for (int r = 0; r < kRows; ++r) {
    const __m256i quants = Format::quants(*reinterpret_cast<const Block*>(rows[r] + offset));
    dots[r] = _mm256_madd_epi16(multiply_pairs<Format::kSigned>(quants, activations),
                                _mm256_set1_epi16(1));
  }
  return add_four_dots<Format>(rows, offset, x, sum_lanes_of_four(dots), sums);
}

/// Four rows times one token.
template <typename Format>
void multiply_rows(const MatmulArguments& a, const MatrixRows<kRows>& group, int token) {
  constexpr std::size_t kBlockBytes = sizeof(typename Format::Block);
  const auto* x = reinterpret_cast<const ActivationQ8Small*>(a.x[token]);
  const int n_blocks = a.n_columns / kSmallBlock;
  __m128 sums = _mm_setzero_ps();
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = static_cast<std::size_t>(b) * kBlockBytes;
    if (b % kBlocksBetweenPrefetches == 0) {
      prefetch_bytes_avx2(group.rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset,
                          kRows * kBlocksBetweenPrefetches * kBlockBytes);
    }
    sums = add_block<Format>(group.rows, offset, x[b], sums);
  }
  alignas(16) float out[kRows];
  _mm_store_ps(out, sums);
  group.store(out, a.y[token]);
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens >= kFewestPanelTokens) return multiply_panels<Format>(a, kSmallTiles<Format>);
  for (int row = 0; row < a.n_rows; row += kRows) {
    const MatrixRows<kRows> group(a, row);
    for (int t = 0; t < a.n_tokens; ++t) multiply_rows<Format>(a, group, t);
  }
}

}  // namespace
}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_small_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_0)] = avx2::matmul<avx2::Q40>;
  set.matmuls[format_index(WeightFormat::kQ4_1)] = avx2::matmul<avx2::Q41>;
  set.matmuls[format_index(WeightFormat::kQ5_0)] = avx2::matmul<avx2::Q50>;
  set.matmuls[format_index(WeightFormat::kQ5_1)] = avx2::matmul<avx2::Q51>;
  set.matmuls[format_index(WeightFormat::kQ8_0)] = avx2::matmul<avx2::Q80>;
  set.matmuls[format_index(WeightFormat::kIQ4_NL)] = avx2::matmul<avx2::Iq4Nl>;
}

}  // namespace jevons::kernels

#endif
