// 256-element blocks for AVX2: four rows straight from memory for a few tokens, panels for more.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/four_rows_avx2.h"
#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/panel_super_avx2.h"
#include "kernels/super_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {
namespace {

constexpr int kRows = kRowsAtOnceAvx2;

/// Four rows times one token, straight from memory.
template <typename Format>
__m128 decode(const std::byte* const* rows, std::size_t n_blocks, const ActivationQ8Super* x) {
  using Block = typename Format::Block;
  __m128 sums = _mm_setzero_ps();
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t offset = b * sizeof(Block);
    prefetch_bytes_avx2(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset,
                        kRows * sizeof(Block));
    FourRowsOf<Format> four(rows, offset);
    __m256i dots[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Block& block = block_at<Format>(rows[r], offset);
      const auto scales = four.row(r, x[b]);
      dots[r] = _mm256_setzero_si256();
      JEVONS_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const __m256i pairs = multiply_pairs<Format::kSigned>(Format::quants(block, part),
                                                              load_32(x[b].quants + 32 * part));
        dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs, scales.choose(part)));
      }
    }
    sums = add_four_dots<Format>(four, x[b], dots, sums);
  }
  return sums;
}

template <typename Format>
void multiply_few(const MatmulArguments& a, const MatrixRows<kRows>& group) {
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  for (int t = 0; t < a.n_tokens; ++t) {
    alignas(16) float sums[kRows];
    const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[t]);
    _mm_store_ps(sums, decode<Format>(group.rows, n_blocks, x));
    group.store(sums, a.y[t]);
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens >= kFewestPanelTokens) return multiply_panels<Format>(a, kSuperTiles<Format>);
  for (int row = 0; row < a.n_rows; row += kRows)
    multiply_few<Format>(a, MatrixRows<kRows>(a, row));
}

}  // namespace
}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_super_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = avx2::matmul<avx2::Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = avx2::matmul<avx2::Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = avx2::matmul<avx2::Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = avx2::matmul<avx2::Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = avx2::matmul<avx2::Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = avx2::matmul<avx2::Iq4Xs>;
}

}  // namespace jevons::kernels

#endif
