// 32-element blocks times many tokens on AVX2. Internal to the *_avx2 files: everything here is
// compiled for that instruction set.
#pragma once

#include <immintrin.h>

#include <algorithm>

#include "kernels/panel_avx2.h"
#include "kernels/small_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

inline constexpr int kSmallPanelBlocks = 8;
inline constexpr int kSmallColumns = kSmallBlock / 4;

/// Up to eight blocks of 16 rows.
struct SmallPanel {
  PanelColumn quants[kSmallPanelBlocks][kSmallColumns];
  alignas(32) float scales[kSmallPanelBlocks][kPanelRows];
  alignas(32) float minimums[kSmallPanelBlocks][kPanelRows];
};

template <typename Format>
void unpack_panel(const std::byte* const* rows, std::size_t first_block, int n_blocks,
                  SmallPanel& panel) {
  using Block = typename Format::Block;
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = (first_block + static_cast<std::size_t>(b)) * sizeof(Block);
    for (int half = 0; half < 2; ++half) {
      __m256i columns[kSmallColumns];
      Format::unpack(rows + 8 * half, offset, columns);
      for (int i = 0; i < kSmallColumns; ++i) panel.quants[b][i].store(half, columns[i]);
    }
    for (int r = 0; r < kPanelRows; r += 4) {
      _mm_store_ps(panel.scales[b] + r,
                   load_four_halves(rows + r, offset + offsetof(Block, scale)));
      if constexpr (Format::kHasMinimum) {
        _mm_store_ps(panel.minimums[b] + r,
                     load_four_halves(rows + r, offset + offsetof(Block, minimum)));
      }
    }
  }
}

/// The integer products of one block of the panel and kTokens tokens.
template <typename Format, int kTokens>
JEVONS_FORCE_INLINE void multiply_block(const PanelColumn* quants, int b,
                                        const ActivationQ8Small* const* x,
                                        __m256i (&totals)[2][kTokens]) {
  constexpr int kColumns = Format::kSumsAtOnce;
  const __m256i ones = _mm256_set1_epi16(1);
  JEVONS_UNROLL
  for (int run = 0; run < kSmallColumns / kColumns; ++run) {
    __m256i dots[2][kTokens];
    JEVONS_UNROLL
    for (int i = 0; i < kColumns; ++i) {
      const int column = run * kColumns + i;
      const __m256i of_half[2] = {quants[column].load(0), quants[column].load(1)};
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m256i activations = broadcast_dword(x[t][b].quants + 4 * column);
        JEVONS_UNROLL
        for (int half = 0; half < 2; ++half) {
          const __m256i pairs = multiply_pairs<Format::kSigned>(of_half[half], activations);
          dots[half][t] = i == 0 ? pairs : _mm256_add_epi16(dots[half][t], pairs);
          keep_order(dots[half][t]);
        }
      }
    }
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m256i sums = _mm256_madd_epi16(dots[half][t], ones);
        totals[half][t] = run == 0 ? sums : _mm256_add_epi32(totals[half][t], sums);
        keep_order(totals[half][t]);
      }
    }
  }
}

/// Adds the rows' floats times the integer products of block b to a token's sums.
template <typename Format>
JEVONS_FORCE_INLINE void add_totals(const SmallPanel& panel, int b, const ActivationQ8Small& block,
                                    const __m256i (&totals)[2], float* sums) {
  const __m256 x_scale = _mm256_set1_ps(block.scale);
  JEVONS_UNROLL
  for (int half = 0; half < 2; ++half) {
    __m256i total = totals[half];
    if constexpr (Format::kOffset != 0) {
      total = _mm256_sub_epi32(total, _mm256_set1_epi32(Format::kOffset * block.sum));
    }
    float* out = sums + 8 * half;
    const __m256 scale = _mm256_mul_ps(_mm256_load_ps(panel.scales[b] + 8 * half), x_scale);
    __m256 sum = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(total), _mm256_load_ps(out));
    if constexpr (Format::kHasMinimum) {
      const __m256 minimum = _mm256_mul_ps(_mm256_load_ps(panel.minimums[b] + 8 * half), x_scale);
      sum = _mm256_fmadd_ps(minimum, _mm256_set1_ps(static_cast<float>(block.sum)), sum);
    }
    _mm256_store_ps(out, sum);
  }
}

/// Adds the panel times n_blocks blocks of kTokens tokens to sums[t].
template <typename Format, int kTokens>
void multiply_tile(const SmallPanel& panel, const ActivationQ8Small* const* x, int n_blocks,
                   PanelSums* sums) {
  JEVONS_KEEP_LOOP
  for (int b = 0; b < n_blocks; ++b) {
    __m256i totals[2][kTokens];
    multiply_block<Format, kTokens>(panel.quants[b], b, x, totals);
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      add_totals<Format>(panel, b, x[t][b], {totals[0][t], totals[1][t]}, sums[t]);
    }
  }
}

/// Adds a panel times blocks of some tokens to sums[t].
using SmallTile = void (*)(const SmallPanel&, const ActivationQ8Small* const* x, int n_blocks,
                           PanelSums* sums);

/// By the number of tokens, less one.
template <typename Format>
inline constexpr SmallTile kSmallTiles[kTileTokens] = {
    multiply_tile<Format, 1>, multiply_tile<Format, 2>, multiply_tile<Format, 3>,
    multiply_tile<Format, 4>};

template <typename Format>
void multiply_panels(const MatmulArguments& a, const SmallTile (&tiles)[kTileTokens]) {
  const int n_blocks = a.n_columns / kSmallBlock;
  const auto blocks_of_step = [&](int step) {
    return std::min(kSmallPanelBlocks, n_blocks - step * kSmallPanelBlocks);
  };
  SmallPanel panel;
  walk_panels(
      a, (n_blocks + kSmallPanelBlocks - 1) / kSmallPanelBlocks,
      [&](const std::byte* const* rows, int step) {
        const auto first = static_cast<std::size_t>(step) * kSmallPanelBlocks;
        unpack_panel<Format>(rows, first, blocks_of_step(step), panel);
      },
      [&](int step, const std::byte* const* x, int n, PanelSums* sums) {
        const ActivationQ8Small* blocks[kTileTokens];
        for (int t = 0; t < n; ++t) {
          blocks[t] = reinterpret_cast<const ActivationQ8Small*>(x[t]) + step * kSmallPanelBlocks;
        }
        tiles[n - 1](panel, blocks, blocks_of_step(step), sums);
      });
}

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
