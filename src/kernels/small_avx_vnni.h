// 32-element blocks for AVX-VNNI: as for AVX2, but products are added up by one instruction.
// Internal: for the one file that fills the set, and for tests, which emulate the instruction;
// hence without linkage.
#pragma once

#include <immintrin.h>

#include "kernels/dots_avx_vnni.h"
#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/panel_small_avx2.h"
#include "kernels/small_formats_avx2.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX_VNNI_TARGET)
namespace jevons::kernels {
namespace {

/// Four rows times one token, straight from memory.
template <typename Format>
__m128 decode_small(const std::byte* const* rows, int n_blocks, const ActivationQ8Small* x) {
  using Block = typename Format::Block;
  constexpr int kRows = kRowsAtOnceAvx2;
  constexpr int kBlocksBetweenPrefetches = 4;
  __m128 sums = _mm_setzero_ps();
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = static_cast<std::size_t>(b) * sizeof(Block);
    if (b % kBlocksBetweenPrefetches == 0) {
      prefetch_bytes_avx2(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset,
                          kRows * kBlocksBetweenPrefetches * sizeof(Block));
    }
    const __m256i activations = load_32(x[b].quants);
    __m256i dots[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const __m256i quants = Format::quants(*reinterpret_cast<const Block*>(rows[r] + offset));
      dots[r] = add_products<Format::kSigned>(_mm256_setzero_si256(), quants, activations);
    }
    sums = avx2::add_four_dots<Format>(rows, offset, x[b], sum_lanes_of_four(dots), sums);
  }
  return sums;
}

/// Adds the panel times n_blocks blocks of kTokens tokens to sums[t].
template <typename Format, int kTokens>
void multiply_small_tile(const avx2::SmallPanel& panel, const ActivationQ8Small* const* x,
                         int n_blocks, avx2::PanelSums* sums) {
  JEVONS_KEEP_LOOP
  for (int b = 0; b < n_blocks; ++b) {
    __m256i totals[2][kTokens];
    JEVONS_UNROLL
    for (int i = 0; i < avx2::kSmallColumns; ++i) {
      const __m256i quants[2] = {panel.quants[b][i].load(0), panel.quants[b][i].load(1)};
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m256i activations = avx2::broadcast_dword(x[t][b].quants + 4 * i);
        JEVONS_UNROLL
        for (int half = 0; half < 2; ++half) {
          totals[half][t] = add_products<Format::kSigned>(
              i == 0 ? _mm256_setzero_si256() : totals[half][t], quants[half], activations);
        }
      }
    }
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      avx2::add_totals<Format>(panel, b, x[t][b], {totals[0][t], totals[1][t]}, sums[t]);
    }
  }
}

template <typename Format>
void multiply_small(const MatmulArguments& a) {
  static constexpr avx2::SmallTile kTiles[avx2::kTileTokens] = {
      multiply_small_tile<Format, 1>, multiply_small_tile<Format, 2>,
      multiply_small_tile<Format, 3>, multiply_small_tile<Format, 4>};
  if (a.n_tokens >= avx2::kFewestPanelTokens) return avx2::multiply_panels<Format>(a, kTiles);
  for (int row = 0; row < a.n_rows; row += kRowsAtOnceAvx2) {
    const MatrixRows<kRowsAtOnceAvx2> group(a, row);
    for (int t = 0; t < a.n_tokens; ++t) {
      alignas(16) float sums[kRowsAtOnceAvx2];
      const auto* x = reinterpret_cast<const ActivationQ8Small*>(a.x[t]);
      _mm_store_ps(sums, decode_small<Format>(group.rows, a.n_columns / kSmallBlock, x));
      group.store(sums, a.y[t]);
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {
namespace {

inline void fill_small_avx_vnni(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_0)] = multiply_small<avx2::Q40>;
  set.matmuls[format_index(WeightFormat::kQ4_1)] = multiply_small<avx2::Q41>;
  set.matmuls[format_index(WeightFormat::kQ5_0)] = multiply_small<avx2::Q50>;
  set.matmuls[format_index(WeightFormat::kQ5_1)] = multiply_small<avx2::Q51>;
  set.matmuls[format_index(WeightFormat::kQ8_0)] = multiply_small<avx2::Q80>;
  set.matmuls[format_index(WeightFormat::kIQ4_NL)] = multiply_small<avx2::Iq4Nl>;
}

}  // namespace
}  // namespace jevons::kernels
