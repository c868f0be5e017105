// 32-element blocks for AVX2: up to eight blocks of four rows are unpacked to bytes and floats in
// the first-level cache and multiplied with every token.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/matmul_kernels.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kRows = kRowsAtOnceAvx2;
constexpr int kTokensAtOnce = 64;
constexpr int kBlocksAtOnce = 8;

/// Some blocks of four rows.
struct Panel {
  alignas(32) std::uint8_t quants[kBlocksAtOnce][kRows][32];
  alignas(16) float scale[kBlocksAtOnce][kRows];
  alignas(16) float minimum[kBlocksAtOnce][kRows];
};

// quants(): the stored quants, which are kOffset too large. Signed ones may be below zero.

struct Q40 {
  using Block = BlockQ4_0;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 8;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
};

struct Q41 {
  using Block = BlockQ4_1;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
};

struct Q50 {
  using Block = BlockQ5_0;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 16;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
};

struct Q51 {
  using Block = BlockQ5_1;
  static constexpr bool kSigned = false;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
};

struct Q80 {
  using Block = BlockQ8_0;
  static constexpr bool kSigned = true;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.quants));
  }
};

struct Iq4Nl {
  using Block = BlockIQ4_NL;
  static constexpr bool kSigned = true;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) { return iq4_values_avx2(nibbles_avx2(block.quants)); }
};

template <typename Format>
JEVONS_FORCE_INLINE void unpack_blocks(const std::byte* const* rows, std::size_t first_block,
                                       int n_blocks, Panel& panel) {
  using Block = typename Format::Block;
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = (first_block + static_cast<std::size_t>(b)) * sizeof(Block);
    for (int r = 0; r < kRows; ++r) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(panel.quants[b][r]),
                         Format::quants(*reinterpret_cast<const Block*>(rows[r] + offset)));
    }
    _mm_store_ps(panel.scale[b], load_four_halves(rows, offset + offsetof(Block, scale)));
    if constexpr (Format::kHasMinimum) {
      _mm_store_ps(panel.minimum[b], load_four_halves(rows, offset + offsetof(Block, minimum)));
    }
  }
}

/// Adds four rows of one block times one token's block to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_block(const Panel& panel, int b, const ActivationQ8Small& x,
                                     __m128 sums) {
  const __m256i activations = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x.quants));
  __m256i dots[kRows];
  for (int r = 0; r < kRows; ++r) {
    const __m256i quants = _mm256_load_si256(reinterpret_cast<const __m256i*>(panel.quants[b][r]));
    dots[r] = _mm256_madd_epi16(multiply_pairs<Format::kSigned>(quants, activations),
                                _mm256_set1_epi16(1));
  }
  __m128i dot = sum_lanes_of_four(dots);
  if constexpr (Format::kOffset != 0) {
    dot = _mm_sub_epi32(dot, _mm_set1_epi32(Format::kOffset * x.sum));
  }
  const __m128 x_scale = _mm_set1_ps(x.scale);
  sums = _mm_fmadd_ps(_mm_mul_ps(_mm_load_ps(panel.scale[b]), x_scale), _mm_cvtepi32_ps(dot), sums);
  if constexpr (Format::kHasMinimum) {
    const __m128 minimum = _mm_mul_ps(_mm_load_ps(panel.minimum[b]), x_scale);
    sums = _mm_fmadd_ps(minimum, _mm_set1_ps(static_cast<float>(x.sum)), sums);
  }
  return sums;
}

/// Four rows (the last one more than once where fewer are left) times up to 64 tokens.
template <typename Format>
void multiply_rows(const MatmulArguments& a, int first_row, int first_token, int n_tokens) {
  const std::byte* rows[kRows];
  const int n_rows = std::min(kRows, a.n_rows - first_row);
  for (int r = 0; r < kRows; ++r) {
    rows[r] =
        a.weights + a.row_bytes * static_cast<std::size_t>(first_row + std::min(r, n_rows - 1));
  }
  alignas(16) float sums[kTokensAtOnce][kRows] = {};
  const int n_blocks = a.n_columns / kSmallBlock;
  constexpr std::size_t kBlockBytes = sizeof(typename Format::Block);
  for (int first = 0; first < n_blocks; first += kBlocksAtOnce) {
    const int n = std::min(kBlocksAtOnce, n_blocks - first);
    const auto first_block = static_cast<std::size_t>(first);
    prefetch_bytes_avx2(rows[kRows - 1] + kPrefetchLeadBytes + first_block * kRows * kBlockBytes,
                        static_cast<std::size_t>(n) * kRows * kBlockBytes);
    Panel panel;
    unpack_blocks<Format>(rows, first_block, n, panel);
    for (int t = 0; t < n_tokens; ++t) {
      const auto* x = reinterpret_cast<const ActivationQ8Small*>(a.x[first_token + t]) + first;
      __m128 sum = _mm_load_ps(sums[t]);
      for (int b = 0; b < n; ++b) sum = add_block<Format>(panel, b, x[b], sum);
      _mm_store_ps(sums[t], sum);
    }
  }
  for (int t = 0; t < n_tokens; ++t) {
    std::memcpy(a.y[first_token + t] + first_row, sums[t],
                static_cast<std::size_t>(n_rows) * sizeof(float));
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  for (int row = 0; row < a.n_rows; row += kRows) {
    for (int t = 0; t < a.n_tokens; t += kTokensAtOnce) {
      multiply_rows<Format>(a, row, t, std::min(kTokensAtOnce, a.n_tokens - t));
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_small_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_0)] = matmul<Q40>;
  set.matmuls[format_index(WeightFormat::kQ4_1)] = matmul<Q41>;
  set.matmuls[format_index(WeightFormat::kQ5_0)] = matmul<Q50>;
  set.matmuls[format_index(WeightFormat::kQ5_1)] = matmul<Q51>;
  set.matmuls[format_index(WeightFormat::kQ8_0)] = matmul<Q80>;
  set.matmuls[format_index(WeightFormat::kIQ4_NL)] = matmul<Iq4Nl>;
}

}  // namespace jevons::kernels

#endif
