// 256-element blocks for AVX-VNNI: as for AVX2, but products are added up by one instruction. In a
// panel each run of one scale is summed in 32 bits and scaled once. Internal: for the one file that
// fills the set, and for tests, which emulate the instructions; hence without linkage.
#pragma once

#include <immintrin.h>

#include "kernels/dots_avx_vnni.h"
#include "kernels/four_rows_avx2.h"
#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/panel_super_avx2.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX_VNNI_TARGET)
namespace jevons::kernels {
namespace {

/// Four rows times one token, straight from memory.
template <typename Format>
__m128 decode_super(const std::byte* const* rows, std::size_t n_blocks,
                    const ActivationQ8Super* x) {
  using Block = typename Format::Block;
  constexpr int kRows = kRowsAtOnceAvx2;
  __m128 sums = _mm_setzero_ps();
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t offset = b * sizeof(Block);
    prefetch_bytes_avx2(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset,
                        kRows * sizeof(Block));
    avx2::FourRowsOf<Format> four(rows, offset);
    __m256i dots[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Block& block = avx2::block_at<Format>(rows[r], offset);
      const auto scales = four.row(r, x[b]);
      dots[r] = _mm256_setzero_si256();
      JEVONS_UNROLL
      for (int part = 0; part < avx2::kParts; ++part) {
        const __m256i pairs = multiply_pairs<Format::kSigned>(Format::quants(block, part),
                                                              load_32(x[b].quants + 32 * part));
        dots[r] = add_pair_products(dots[r], pairs, scales.choose(part));
      }
    }
    sums = avx2::add_four_dots<Format>(four, x[b], dots, sums);
  }
  return sums;
}

/// Adds the panel times one block of kTokens tokens to sums[t].
template <typename Format, int kTokens>
void multiply_super_tile(const avx2::SuperPanel& panel, const ActivationQ8Super* const* x,
                         avx2::PanelSums* sums) {
  constexpr int kColumns = Format::kPart / 4;  // that share a scale
  __m256i totals[2][kTokens];
  for (auto& of_half : totals) {
    for (__m256i& total : of_half) total = _mm256_setzero_si256();
  }
  JEVONS_KEEP_LOOP
  for (int part = 0; part < kSuperBlock / Format::kPart; ++part) {
    __m256i dots[2][kTokens];
    JEVONS_UNROLL
    for (int i = 0; i < kColumns; ++i) {
      const int column = part * kColumns + i;
      const __m256i quants[2] = {panel.quants[column].load(0), panel.quants[column].load(1)};
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        const __m256i activations = avx2::broadcast_dword(x[t]->quants + 4 * column);
        JEVONS_UNROLL
        for (int half = 0; half < 2; ++half) {
          dots[half][t] = add_products<Format::kSigned>(
              i == 0 ? _mm256_setzero_si256() : dots[half][t], quants[half], activations);
        }
      }
    }
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      // Both halves of a dword hold the scale.
      const __m256i scales = _mm256_srai_epi32(panel.scales[part].load(half), 16);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        totals[half][t] =
            _mm256_add_epi32(totals[half][t], _mm256_mullo_epi32(dots[half][t], scales));
      }
    }
  }
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    alignas(32) std::int16_t x_sums[16];
    if constexpr (Format::kMinimums != avx2::Minimums::kNone) {
      avx2::activation_sums<Format::kPart>(*x[t], x_sums);
    }
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      avx2::add_sums<Format>(panel, half, x[t]->scale, totals[half][t], x_sums, sums[t]);
    }
  }
}

template <typename Format>
void multiply_super(const MatmulArguments& a) {
  static constexpr avx2::SuperTile kTiles[avx2::kTileTokens] = {
      multiply_super_tile<Format, 1>, multiply_super_tile<Format, 2>,
      multiply_super_tile<Format, 3>, multiply_super_tile<Format, 4>};
  if (a.n_tokens >= avx2::kFewestPanelTokens) return avx2::multiply_panels<Format>(a, kTiles);
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  for (int row = 0; row < a.n_rows; row += kRowsAtOnceAvx2) {
    const MatrixRows<kRowsAtOnceAvx2> group(a, row);
    for (int t = 0; t < a.n_tokens; ++t) {
      alignas(16) float sums[kRowsAtOnceAvx2];
      const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[t]);
      _mm_store_ps(sums, decode_super<Format>(group.rows, n_blocks, x));
      group.store(sums, a.y[t]);
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {
namespace {

inline void fill_super_avx_vnni(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = multiply_super<avx2::Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = multiply_super<avx2::Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = multiply_super<avx2::Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = multiply_super<avx2::Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = multiply_super<avx2::Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = multiply_super<avx2::Iq4Xs>;
}

}  // namespace
}  // namespace jevons::kernels
