// 256-element blocks times many tokens on AVX2. Internal to the *_avx2 files: everything here is
// compiled for that instruction set.
#pragma once

#include <immintrin.h>

#include "kernels/panel_avx2.h"
#include "kernels/super_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

/// The lower (or upper) 16 bits of every dword, twice.
template <bool kUpper>
JEVONS_FORCE_INLINE __m256i twice(__m256i v) {
  const __m256i lower = _mm256_set1_epi32(0xFFFF);
  return kUpper ? _mm256_or_si256(_mm256_andnot_si256(lower, v), _mm256_srli_epi32(v, 16))
                : _mm256_or_si256(_mm256_and_si256(lower, v), _mm256_slli_epi32(v, 16));
}

/// Scales and minimums of the eight rows of a half, whose numbers stand one row after another.
template <typename Format>
JEVONS_FORCE_INLINE void unpack_scales(const Scales* of_row, int half, SuperPanel& panel) {
  const std::byte* rows[8];
  for (int r = 0; r < 8; ++r) rows[r] = reinterpret_cast<const std::byte*>(&of_row[r]);
  for (int quarter = 0; quarter < 2; ++quarter) {
    __m256i scales[4];
    load_columns(rows, offsetof(Scales, scales) + 16 * quarter, scales);
    for (int i = 0; i < 4; ++i) {
      const int at = 4 * quarter + i;
      if constexpr (Format::kPart == 32) {
        panel.scales[at].store(half, scales[i]);
      } else {
        panel.scales[2 * at].store(half, twice<false>(scales[i]));
        panel.scales[2 * at + 1].store(half, twice<true>(scales[i]));
      }
    }
    if constexpr (Format::kMinimums == Minimums::kNone) continue;
    __m256i minimums[4];
    load_columns(rows, offsetof(Scales, minimums) + 16 * quarter, minimums);
    for (int i = 0; i < 4; ++i) {
      if constexpr (Format::kPart == 16) {
        panel.minimums[4 * quarter + i].store(half, minimums[i]);
      } else if (i % 2 == 0) {
        panel.minimums[2 * quarter + i / 2].store(
            half, _mm256_blend_epi16(minimums[i], minimums[i + 1], 0xAA));
      }
    }
  }
}

template <typename Format>
void unpack_panel(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  using Block = typename Format::Block;
  Scales scales[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) {
    scales[r] = Format::scales(*reinterpret_cast<const Block*>(rows[r] + offset));
  }
  for (int half = 0; half < 2; ++half) {
    Format::unpack(rows + 8 * half, offset, half, panel);
    unpack_scales<Format>(scales + 8 * half, half, panel);
  }
  for (int r = 0; r < kPanelRows; r += 4) {
    _mm_store_ps(panel.scale + r, load_four_halves(rows + r, offset + offsetof(Block, scale)));
    if constexpr (Format::kMinimums == Minimums::kOwn) {
      _mm_store_ps(panel.minimum + r,
                   load_four_halves(rows + r, offset + offsetof(Block, minimum)));
    }
  }
}

/// Sums of each kPart activations, in 16 bits.
template <int kPart>
JEVONS_FORCE_INLINE void activation_sums(const ActivationQ8Super& x, std::int16_t (&sums)[16]) {
  if constexpr (kPart == 16) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(sums), load_32(x.sums));
  } else {
    _mm_store_si128(reinterpret_cast<__m128i*>(sums), sums_of_32(x));
  }
}

/// Adds eight rows' floats times integer sums to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE void add_sums(const SuperPanel& panel, int half, float x_scale, __m256i dots,
                                  const std::int16_t (&x_sums)[16], float* sums) {
  __m256i minimums = _mm256_setzero_si256();
  if constexpr (Format::kMinimums != Minimums::kNone) {
    JEVONS_UNROLL
    for (int pair = 0; pair < kSuperBlock / Format::kPart / 2; ++pair) {
      const __m256i products =
          _mm256_madd_epi16(panel.minimums[pair].load(half), broadcast_dword(x_sums + 2 * pair));
      minimums = _mm256_add_epi32(minimums, products);
    }
  }
  if constexpr (Format::kMinimums == Minimums::kOffset) dots = _mm256_sub_epi32(dots, minimums);
  const __m256 x_scales = _mm256_set1_ps(x_scale);
  const __m256 scale = _mm256_mul_ps(_mm256_load_ps(panel.scale + 8 * half), x_scales);
  __m256 sum = _mm256_load_ps(sums + 8 * half);
  sum = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots), sum);
  if constexpr (Format::kMinimums == Minimums::kOwn) {
    const __m256 minimum = _mm256_mul_ps(_mm256_load_ps(panel.minimum + 8 * half), x_scales);
    sum = _mm256_fnmadd_ps(minimum, _mm256_cvtepi32_ps(minimums), sum);
  }
  _mm256_store_ps(sums + 8 * half, sum);
}

/// Adds the panel times one block of kTokens tokens to sums[t].
template <typename Format, int kTokens>
void multiply_tile(const SuperPanel& panel, const ActivationQ8Super* const* x, PanelSums* sums) {
  constexpr int kColumns = Format::kSumsAtOnce;
  constexpr int kRunsOfPart = Format::kPart / 4 / kColumns;
  __m256i totals[2][kTokens];
  for (auto& of_half : totals) {
    for (__m256i& total : of_half) total = _mm256_setzero_si256();
  }
  JEVONS_KEEP_LOOP
  for (int run = 0; run < kSuperBlock / 4 / kColumns; ++run) {
    __m256i dots[2][kTokens];
    JEVONS_UNROLL
    for (int i = 0; i < kColumns; ++i) {
      const int column = run * kColumns + i;
      const __m256i quants[2] = {panel.quants[column].load(0), panel.quants[column].load(1)};
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m256i activations = broadcast_dword(x[t]->quants + 4 * column);
        JEVONS_UNROLL
        for (int half = 0; half < 2; ++half) {
          const __m256i pairs = multiply_pairs<Format::kSigned>(quants[half], activations);
          dots[half][t] = i == 0 ? pairs : _mm256_add_epi16(dots[half][t], pairs);
          keep_order(dots[half][t]);
        }
      }
    }
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      const __m256i scales = panel.scales[run / kRunsOfPart].load(half);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        totals[half][t] =
            _mm256_add_epi32(totals[half][t], _mm256_madd_epi16(dots[half][t], scales));
      }
    }
  }
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    alignas(32) std::int16_t x_sums[16];
    if constexpr (Format::kMinimums != Minimums::kNone) {
      activation_sums<Format::kPart>(*x[t], x_sums);
    }
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      add_sums<Format>(panel, half, x[t]->scale, totals[half][t], x_sums, sums[t]);
    }
  }
}

/// Adds a panel times one block of some tokens to sums[t].
using SuperTile = void (*)(const SuperPanel&, const ActivationQ8Super* const* x, PanelSums* sums);

/// By the number of tokens, less one.
template <typename Format>
inline constexpr SuperTile kSuperTiles[kTileTokens] = {
    multiply_tile<Format, 1>, multiply_tile<Format, 2>, multiply_tile<Format, 3>,
    multiply_tile<Format, 4>};

template <typename Format>
void multiply_panels(const MatmulArguments& a, const SuperTile (&tiles)[kTileTokens]) {
  SuperPanel panel;
  walk_panels(
      a, a.n_columns / kSuperBlock,
      [&](const std::byte* const* rows, int step) {
        unpack_panel<Format>(rows, sizeof(typename Format::Block) * static_cast<std::size_t>(step),
                             panel);
      },
      [&](int step, const std::byte* const* x, int n, PanelSums* sums) {
        const ActivationQ8Super* blocks[kTileTokens];
        for (int t = 0; t < n; ++t) {
          blocks[t] = reinterpret_cast<const ActivationQ8Super*>(x[t]) + step;
        }
        tiles[n - 1](panel, blocks, sums);
      });
}

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
