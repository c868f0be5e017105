// 32-element blocks for NEON: four rows straight from memory for few tokens; for more, up to eight
// blocks of four rows are unpacked to interleaved bytes and multiplied with four tokens at a time.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <algorithm>
#include <cstddef>

#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kRows = kRowsAtOnceNeon;
constexpr int kTokensAtOnce = 64;
constexpr int kTileTokens = 4;
constexpr int kFewestPanelTokens = 4;  // fewer are multiplied without unpacking to memory
constexpr int kBlocksAtOnce = 8;

// Formats. unpack(): the stored quants of a block, which are kOffset too large.

/// Sets bit 4 of element i where bit i of the little-endian word is set.
JEVONS_FORCE_INLINE void add_fifth_bits(const std::uint8_t* word, int8x16_t (&quants)[2]) {
  const uint8x16_t bit = vreinterpretq_u8_u64(vdupq_n_u64(0x8040201008040201U));
  JEVONS_UNROLL
  for (int i = 0; i < 2; ++i) {
    const uint8x16_t bytes = vcombine_u8(vdup_n_u8(word[2 * i]), vdup_n_u8(word[2 * i + 1]));
    const uint8x16_t fifth = vandq_u8(vtstq_u8(bytes, bit), vdupq_n_u8(16));
    quants[i] = vorrq_s8(quants[i], vreinterpretq_s8_u8(fifth));
  }
}

template <typename B, int kOff, bool kMin>
struct Nibbles {
  using Block = B;
  static constexpr int kOffset = kOff;
  static constexpr bool kHasMinimum = kMin;
  JEVONS_FORCE_INLINE static void unpack(const Block& block, int8x16_t (&out)[2]) {
    unpack_nibbles(block.quants, out);
  }
};
using Q40 = Nibbles<BlockQ4_0, 8, false>;
using Q41 = Nibbles<BlockQ4_1, 0, true>;

template <typename B, int kOff, bool kMin>
struct FiveBits {
  using Block = B;
  static constexpr int kOffset = kOff;
  static constexpr bool kHasMinimum = kMin;
  JEVONS_FORCE_INLINE static void unpack(const Block& block, int8x16_t (&out)[2]) {
    unpack_nibbles(block.quants, out);
    add_fifth_bits(block.high_bits, out);
  }
};
using Q50 = FiveBits<BlockQ5_0, 16, false>;
using Q51 = FiveBits<BlockQ5_1, 0, true>;

struct Q80 {
  using Block = BlockQ8_0;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  JEVONS_FORCE_INLINE static void unpack(const Block& block, int8x16_t (&out)[2]) {
    out[0] = vld1q_s8(block.quants);
    out[1] = vld1q_s8(block.quants + 16);
  }
};

struct Iq4Nl {
  using Block = BlockIQ4_NL;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  JEVONS_FORCE_INLINE static void unpack(const Block& block, int8x16_t (&out)[2]) {
    unpack_nibbles(block.quants, out);
    out[0] = iq4_values(out[0]);
    out[1] = iq4_values(out[1]);
  }
};

/// Puts one block's integer dot products with four rows to the rows' sums.
template <bool kHasMinimum>
JEVONS_FORCE_INLINE float32x4_t add_dots(float32x4_t scale, float32x4_t minimum, int32x4_t dot,
                                         const ActivationQ8Small& x, float32x4_t sums) {
  sums = vfmaq_f32(sums, vmulq_n_f32(scale, x.scale), vcvtq_f32_s32(dot));
  if constexpr (kHasMinimum) {
    const float32x4_t x_sum = vdupq_n_f32(static_cast<float>(x.sum));
    sums = vfmaq_f32(sums, vmulq_n_f32(minimum, x.scale), x_sum);
  }
  return sums;
}

// -- few tokens ----------------------------------------------------------------------------------

/// Four rows times one token, straight from memory.
template <typename Format>
float32x4_t decode(const std::byte* const* rows, std::size_t n_blocks, const ActivationQ8Small* x) {
  using Block = typename Format::Block;
  float32x4_t sums = vdupq_n_f32(0.0F);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t offset = b * sizeof(Block);
    prefetch_bytes(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset, kRows * sizeof(Block));
    const int8x16_t low = vld1q_s8(x[b].quants);
    const int8x16_t high = vld1q_s8(x[b].quants + 16);
    int32x4_t dots[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      int8x16_t w[2];
      Format::unpack(*reinterpret_cast<const Block*>(rows[r] + offset), w);
      dots[r] = vdotq_s32(dot_16(w[0], low), w[1], high);
    }
    int32x4_t dot = sum_lanes_of_four(dots[0], dots[1], dots[2], dots[3]);
    if constexpr (Format::kOffset != 0) {
      dot = vsubq_s32(dot, vdupq_n_s32(Format::kOffset * x[b].sum));
    }
    float32x4_t minimum = vdupq_n_f32(0.0F);
    if constexpr (Format::kHasMinimum) {
      minimum = load_four_halves(rows, offset + offsetof(Block, minimum));
    }
    const float32x4_t scale = load_four_halves(rows, offset + offsetof(Block, scale));
    sums = add_dots<Format::kHasMinimum>(scale, minimum, dot, x[b], sums);
  }
  return sums;
}

// -- more tokens ---------------------------------------------------------------------------------

/// Some blocks of four rows. quants: for each four elements those of every row, without offset.
struct Panel {
  alignas(16) std::int8_t quants[kBlocksAtOnce][2][4][16];
  alignas(16) float scale[kBlocksAtOnce][kRows];
  alignas(16) float minimum[kBlocksAtOnce][kRows];
};

template <typename Format>
void unpack_blocks(const std::byte* const* rows, std::size_t first_block, int n_blocks,
                   Panel& panel) {
  using Block = typename Format::Block;
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = (first_block + static_cast<std::size_t>(b)) * sizeof(Block);
    int8x16_t low[kRows];
    int8x16_t high[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      int8x16_t w[2];
      Format::unpack(*reinterpret_cast<const Block*>(rows[r] + offset), w);
      low[r] = vsubq_s8(w[0], vdupq_n_s8(Format::kOffset));
      high[r] = vsubq_s8(w[1], vdupq_n_s8(Format::kOffset));
    }
    store_interleaved(low, panel.quants[b][0]);
    store_interleaved(high, panel.quants[b][1]);
    vst1q_f32(panel.scale[b], load_four_halves(rows, offset + offsetof(Block, scale)));
    if constexpr (Format::kHasMinimum) {
      vst1q_f32(panel.minimum[b], load_four_halves(rows, offset + offsetof(Block, minimum)));
    }
  }
}

/// Adds the panel's four rows times some tokens' blocks from `first` on to the tokens' sums.
template <bool kHasMinimum, int kTokens>
JEVONS_FORCE_INLINE void add_tile(const Panel& panel, int n_blocks, const std::byte* const* tokens,
                                  std::size_t first, float (*sums)[kRows]) {
  const ActivationQ8Small* x[kTokens];
  float32x4_t sum[kTokens];
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    x[t] = reinterpret_cast<const ActivationQ8Small*>(tokens[t]) + first;
    sum[t] = vld1q_f32(sums[t]);
  }
  for (int b = 0; b < n_blocks; ++b) {
    int32x4_t dots[kTokens];
    JEVONS_UNROLL
    for (int32x4_t& dot : dots) dot = vdupq_n_s32(0);
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      int8x16_t w[4];
      load_interleaved(panel.quants[b][half], w);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        dots[t] = dot_interleaved(dots[t], w, vld1q_s8(x[t][b].quants + 16 * half));
      }
    }
    const float32x4_t scale = vld1q_f32(panel.scale[b]);
    const float32x4_t minimum = kHasMinimum ? vld1q_f32(panel.minimum[b]) : scale;
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      sum[t] = add_dots<kHasMinimum>(scale, minimum, dots[t], x[t][b], sum[t]);
    }
  }
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) vst1q_f32(sums[t], sum[t]);
}

/// Four rows, of which n_rows are wanted, times up to 64 tokens, through panels.
template <typename Format>
void multiply_many(const MatmulArguments& a, const std::byte* const* rows, int first_token,
                   float (&sums)[kTokensAtOnce][kRows], int n_tokens) {
  const int n_blocks = a.n_columns / kSmallBlock;
  const std::byte* const* tokens = a.x + first_token;
  for (int first = 0; first < n_blocks; first += kBlocksAtOnce) {
    const int n = std::min(kBlocksAtOnce, n_blocks - first);
    const auto first_block = static_cast<std::size_t>(first);
    Panel panel;
    unpack_blocks<Format>(rows, first_block, n, panel);
    int t = 0;
    for (; t + kTileTokens <= n_tokens; t += kTileTokens) {
      add_tile<Format::kHasMinimum, kTileTokens>(panel, n, tokens + t, first_block, sums + t);
    }
    for (; t < n_tokens; ++t) {
      add_tile<Format::kHasMinimum, 1>(panel, n, tokens + t, first_block, sums + t);
    }
  }
}

/// Four rows times up to 64 tokens.
template <typename Format>
void multiply_rows(const MatmulArguments& a, int first_row, int first_token, int n_tokens) {
  const MatrixRows<kRows> group(a, first_row);
  alignas(16) float sums[kTokensAtOnce][kRows] = {};
  if (n_tokens < kFewestPanelTokens) {
    const auto n_blocks = static_cast<std::size_t>(a.n_columns / kSmallBlock);
    for (int t = 0; t < n_tokens; ++t) {
      const auto* x = reinterpret_cast<const ActivationQ8Small*>(a.x[first_token + t]);
      vst1q_f32(sums[t], decode<Format>(group.rows, n_blocks, x));
    }
  } else {
    multiply_many<Format>(a, group.rows, first_token, sums, n_tokens);
  }
  for (int t = 0; t < n_tokens; ++t) group.store(sums[t], a.y[first_token + t]);
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

void fill_small_blocks_neon(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_0)] = matmul<Q40>;
  set.matmuls[format_index(WeightFormat::kQ4_1)] = matmul<Q41>;
  set.matmuls[format_index(WeightFormat::kQ5_0)] = matmul<Q50>;
  set.matmuls[format_index(WeightFormat::kQ5_1)] = matmul<Q51>;
  set.matmuls[format_index(WeightFormat::kQ8_0)] = matmul<Q80>;
  set.matmuls[format_index(WeightFormat::kIQ4_NL)] = matmul<Iq4Nl>;
}

}  // namespace jevons::kernels

#endif
