// 256-element blocks times many tokens.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/panel_avx512.h"
#include "kernels/panel_rows_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

/// Adds kPanels panels times kTokens blocks of activations to sums[t][panel * 16 + row].
template <SuperKind kKind, int kPanels, int kTokens>
void multiply_tile(const SuperPanel* panels, const ActivationQ8Super* const* x, TokenSums* sums) {
  constexpr int kPart = kKind == SuperKind::kWide ? 32 : 16;  // elements under one scale
  __m512i totals[kPanels][kTokens];
  for (auto& of_panel : totals) {
    for (__m512i& total : of_panel) total = _mm512_setzero_si512();
  }
  JEVONS_KEEP_LOOP
  for (int part = 0; part < kSuperBlock / kPart; ++part) {
    __m512i dots[kPanels][kTokens];
    for (auto& of_panel : dots) {
      for (__m512i& dot : of_panel) dot = _mm512_setzero_si512();
    }
    JEVONS_UNROLL
    for (int column = 0; column < kPart / 4; ++column) {
      const int group = part * (kPart / 4) + column;
      __m512i quants[kPanels];
      JEVONS_UNROLL
      for (int p = 0; p < kPanels; ++p) quants[p] = _mm512_load_si512(panels[p].quants[group]);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m512i activations = broadcast_dword(x[t]->quants + 4 * group);
        JEVONS_UNROLL
        for (int p = 0; p < kPanels; ++p) {
          dots[p][t] = _mm512_dpbusd_epi32(dots[p][t], quants[p], activations);
        }
      }
    }
    JEVONS_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      const __m512i scales = _mm512_load_si512(panels[p].scales[part]);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        totals[p][t] = _mm512_add_epi32(totals[p][t], _mm512_mullo_epi32(dots[p][t], scales));
      }
    }
  }
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    // Sums of the activations as the minimums want them: of each 16, or of each 32.
    alignas(32) std::int16_t x_sums[16];
    const __m256i sums_16 = load_32(x[t]->sums);
    if constexpr (kKind == SuperKind::kWide) {
      const __m256i sums_32 = _mm256_madd_epi16(sums_16, _mm256_set1_epi16(1));
      _mm_store_si128(reinterpret_cast<__m128i*>(x_sums), _mm256_cvtepi32_epi16(sums_32));
    } else {
      _mm256_store_si256(reinterpret_cast<__m256i*>(x_sums), sums_16);
    }
    const __m512 x_scale = _mm512_set1_ps(x[t]->scale);
    JEVONS_UNROLL
    for (int p = 0; p < kPanels; ++p) {
      __m512i minimums = _mm512_setzero_si512();
      JEVONS_UNROLL
      for (int pair = 0; pair < kSuperBlock / kPart / 2; ++pair) {
        minimums = _mm512_dpwssd_epi32(minimums, _mm512_load_si512(panels[p].minimums[pair]),
                                       broadcast_dword(x_sums + 2 * pair));
      }
      __m512i total = totals[p][t];
      if constexpr (kKind == SuperKind::kNarrowOffset) total = _mm512_sub_epi32(total, minimums);
      __m512 sum = _mm512_load_ps(sums[t] + p * kPanelRows);
      const __m512 scale = _mm512_mul_ps(_mm512_load_ps(panels[p].scale), x_scale);
      sum = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(total), sum);
      if constexpr (kKind != SuperKind::kNarrowOffset) {
        const __m512 minimum = _mm512_mul_ps(_mm512_load_ps(panels[p].minimum), x_scale);
        sum = _mm512_fnmadd_ps(minimum, _mm512_cvtepi32_ps(minimums), sum);
      }
      _mm512_store_ps(sums[t] + p * kPanelRows, sum);
    }
  }
}

using TileFunction = void (*)(const SuperPanel*, const ActivationQ8Super* const*, TokenSums*);

template <SuperKind kKind, int kPanels>
constexpr TileFunction kTilesOf[kTileTokens] = {
    multiply_tile<kKind, kPanels, 1>, multiply_tile<kKind, kPanels, 2>,
    multiply_tile<kKind, kPanels, 3>, multiply_tile<kKind, kPanels, 4>};

template <SuperKind kKind>
void multiply(const MatmulArguments& a, std::size_t block_bytes, UnpackSuperPanel unpack) {
  constexpr const TileFunction* kTiles[kGroupsAtOnce] = {kTilesOf<kKind, 1>, kTilesOf<kKind, 2>,
                                                         kTilesOf<kKind, 3>};
  SuperPanel panels[kGroupsAtOnce];
  walk_panels(
      a, a.n_columns / kSuperBlock,
      [&](const std::byte* const* rows, int step, int p) {
        unpack(rows, block_bytes * static_cast<std::size_t>(step), panels[p]);
      },
      [&](const RowGroup& group, int step, const std::byte* const* x, int n, TokenSums* sums) {
        const ActivationQ8Super* blocks[kTileTokens];
        for (int t = 0; t < n; ++t) {
          blocks[t] = reinterpret_cast<const ActivationQ8Super*>(x[t]) + step;
        }
        kTiles[group.n_panels - 1][n - 1](panels, blocks, sums);
      });
}

}  // namespace

void multiply_super_panels(const MatmulArguments& a, SuperKind kind, std::size_t block_bytes,
                           UnpackSuperPanel unpack) {
  switch (kind) {
    case SuperKind::kWide:
      return multiply<SuperKind::kWide>(a, block_bytes, unpack);
    case SuperKind::kNarrow:
      return multiply<SuperKind::kNarrow>(a, block_bytes, unpack);
    case SuperKind::kNarrowOffset:
      return multiply<SuperKind::kNarrowOffset>(a, block_bytes, unpack);
  }
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif
