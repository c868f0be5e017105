// 32-element blocks times many tokens.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/panel_avx512.h"
#include "kernels/panel_rows_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

/// Adds kPanels panels times kTokens runs of n_blocks blocks to sums[t][panel * 16 + row].
template <SmallKind kKind, int kPanels, int kTokens>
void multiply_tile(const SmallPanel* panels, const ActivationQ8Small* const* x, int n_blocks,
                   int offset, TokenSums* sums) {
  __m512 totals[kPanels][kTokens];
  for (int p = 0; p < kPanels; ++p) {
    for (int t = 0; t < kTokens; ++t) totals[p][t] = _mm512_load_ps(sums[t] + p * kPanelRows);
  }
  JEVONS_KEEP_LOOP
  for (int b = 0; b < n_blocks; ++b) {
    __m512i dots[kPanels][kTokens];
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      __m512i start = _mm512_setzero_si512();
      if constexpr (kKind == SmallKind::kOffset) start = _mm512_set1_epi32(-offset * x[t][b].sum);
      for (int p = 0; p < kPanels; ++p) dots[p][t] = start;
    }
    JEVONS_UNROLL
    for (int column = 0; column < kSmallBlock / 4; ++column) {
      __m512i quants[kPanels];
      JEVONS_UNROLL
      for (int p = 0; p < kPanels; ++p) {
        quants[p] = _mm512_load_si512(panels[p].quants[b * (kSmallBlock / 4) + column]);
      }
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m512i activations = broadcast_dword(x[t][b].quants + 4 * column);
        JEVONS_UNROLL
        for (int p = 0; p < kPanels; ++p) {
          dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], quants[p], activations);
        }
      }
    }
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      const __m512 x_scale = _mm512_set1_ps(x[t][b].scale);
      JEVONS_UNROLL
      for (int p = 0; p < kPanels; ++p) {
        const __m512 scale = _mm512_mul_ps(_mm512_load_ps(panels[p].scales[b]), x_scale);
        totals[p][t] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dots[p][t]), totals[p][t]);
        if constexpr (kKind == SmallKind::kMinimum) {
          const __m512 minimum = _mm512_mul_ps(_mm512_load_ps(panels[p].minimums[b]), x_scale);
          const __m512 x_sum = _mm512_set1_ps(static_cast<float>(x[t][b].sum));
          totals[p][t] = _mm512_fmadd_ps(minimum, x_sum, totals[p][t]);
        }
      }
    }
  }
  for (int p = 0; p < kPanels; ++p) {
    for (int t = 0; t < kTokens; ++t) _mm512_store_ps(sums[t] + p * kPanelRows, totals[p][t]);
  }
}

using TileFunction = void (*)(const SmallPanel*, const ActivationQ8Small* const*, int, int,
                              TokenSums*);

template <SmallKind kKind, int kPanels>
constexpr TileFunction kTilesOf[kTileTokens] = {
    multiply_tile<kKind, kPanels, 1>, multiply_tile<kKind, kPanels, 2>,
    multiply_tile<kKind, kPanels, 3>, multiply_tile<kKind, kPanels, 4>};

template <SmallKind kKind>
void multiply(const MatmulArguments& a, int offset, std::size_t block_bytes,
              UnpackSmallPanel unpack) {
  constexpr const TileFunction* kTiles[kGroupsAtOnce] = {kTilesOf<kKind, 1>, kTilesOf<kKind, 2>,
                                                         kTilesOf<kKind, 3>};
  const int n_blocks = a.n_columns / kSmallBlock;
  const auto blocks_of_step = [&](int step) {
    return std::min(kSmallPanelBlocks, n_blocks - step * kSmallPanelBlocks);
  };
  SmallPanel panels[kGroupsAtOnce];
  walk_panels(
      a, (n_blocks + kSmallPanelBlocks - 1) / kSmallPanelBlocks,
      [&](const std::byte* const* rows, int step, int p) {
        const auto first = static_cast<std::size_t>(step) * kSmallPanelBlocks;
        unpack(rows, block_bytes * first, blocks_of_step(step), panels[p]);
      },
      [&](const RowGroup& group, int step, const std::byte* const* x, int n, TokenSums* sums) {
        const ActivationQ8Small* blocks[kTileTokens];
        for (int t = 0; t < n; ++t) {
          blocks[t] = reinterpret_cast<const ActivationQ8Small*>(x[t]) + step * kSmallPanelBlocks;
        }
        kTiles[group.n_panels - 1][n - 1](panels, blocks, blocks_of_step(step), offset, sums);
      });
}

}  // namespace

void multiply_small_panels(const MatmulArguments& a, SmallKind kind, int offset,
                           std::size_t block_bytes, UnpackSmallPanel unpack) {
  if (kind == SmallKind::kOffset) {
    multiply<SmallKind::kOffset>(a, offset, block_bytes, unpack);
  } else {
    multiply<SmallKind::kMinimum>(a, offset, block_bytes, unpack);
  }
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif
