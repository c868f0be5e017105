// 256-element blocks for NEON: four rows straight from memory for few tokens; for more, one block
// of four rows is unpacked to interleaved bytes and multiplied with four tokens at a time.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/matmul_kernels.h"
#include "kernels/matrix_rows.h"
#include "kernels/super_formats_neon.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kRows = kRowsAtOnceNeon;
constexpr int kTokensAtOnce = 64;
constexpr int kTileTokens = 4;
constexpr int kFewestPanelTokens = 4;  // fewer are multiplied without unpacking to memory

/// The token's sums for each 16 elements, or for each 32: the minimums' partners.
template <typename Format>
JEVONS_FORCE_INLINE Factors activation_sums(const ActivationQ8Super& x) {
  const Factors sums{{vld1q_s16(x.sums), vld1q_s16(x.sums + 8)}};
  if constexpr (Format::kGroup == 16) return sums;
  return {{vpaddq_s16(sums.v[0], sums.v[1]), vdupq_n_s16(0)}};
}

/// Lanes to be added: the dot product of a block's factors with the activations' sums.
template <typename Format>
JEVONS_FORCE_INLINE int32x4_t dot_factors(const Factors& factors, const Factors& sums) {
  int32x4_t dot = vmull_s16(vget_low_s16(factors.v[0]), vget_low_s16(sums.v[0]));
  dot = vmlal_high_s16(dot, factors.v[0], sums.v[0]);
  if constexpr (Format::kGroup == 16) {
    dot = vmlal_s16(dot, vget_low_s16(factors.v[1]), vget_low_s16(sums.v[1]));
    dot = vmlal_high_s16(dot, factors.v[1], sums.v[1]);
  }
  return dot;
}

/// Adds half a block times its activations x [128] to lanes that are to be added.
template <typename Format>
JEVONS_FORCE_INLINE int32x4_t add_half(const typename Format::Block& block, int half,
                                       const Factors& scales, const std::int8_t* x,
                                       int32x4_t lanes) {
  HalfBlock w;
  Format::unpack_half(block, half, w);
  int32x4_t dots[kGroups / 2];
  JEVONS_UNROLL
  for (int i = 0; i < kGroups / 2; ++i) dots[i] = dot_16(w[i], load_16(x + 16 * i));
  // One lane for each group: what a scale is multiplied with.
  const int32x4_t first = vpaddq_s32(vpaddq_s32(dots[0], dots[1]), vpaddq_s32(dots[2], dots[3]));
  const int32x4_t second = vpaddq_s32(vpaddq_s32(dots[4], dots[5]), vpaddq_s32(dots[6], dots[7]));
  if constexpr (Format::kGroup == 16) {
    lanes = vmlaq_s32(lanes, first, vmovl_s16(vget_low_s16(scales.v[half])));
    return vmlaq_s32(lanes, second, vmovl_high_s16(scales.v[half]));
  } else {
    const int16x8_t v = scales.v[0];
    const int32x4_t of_half = half == 0 ? vmovl_s16(vget_low_s16(v)) : vmovl_high_s16(v);
    return vmlaq_s32(lanes, vpaddq_s32(first, second), of_half);
  }
}

/// Four rows times one token, straight from memory.
template <typename Format>
float32x4_t decode(const std::byte* const* rows, std::size_t n_blocks, const ActivationQ8Super* x) {
  using Block = typename Format::Block;
  float32x4_t sums = vdupq_n_f32(0.0F);
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t offset = b * sizeof(Block);
    prefetch_bytes(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset, kRows * sizeof(Block));
    const Factors x_sums = activation_sums<Format>(x[b]);
    int32x4_t dots[kRows];
    int32x4_t minimums[kRows];
    JEVONS_KEEP_LOOP
    for (int r = 0; r < kRows; ++r) {
      const Block& block = *reinterpret_cast<const Block*>(rows[r] + offset);
      const Scales scales = Format::scales(block);
      dots[r] = vdupq_n_s32(0);
      if constexpr (Format::kOffset != 0) {
        dots[r] = vmulq_n_s32(dot_factors<Format>(scales.scales, x_sums), -Format::kOffset);
      }
      if constexpr (Format::kHasMinimum) {
        minimums[r] = dot_factors<Format>(scales.minimums, x_sums);
      }
      dots[r] = add_half<Format>(block, 0, scales.scales, x[b].quants, dots[r]);
      dots[r] = add_half<Format>(block, 1, scales.scales, x[b].quants + 128, dots[r]);
    }
    const float32x4_t scale = load_four_halves(rows, offset + offsetof(Block, scale));
    const int32x4_t dot = sum_lanes_of_four(dots[0], dots[1], dots[2], dots[3]);
    sums = vfmaq_f32(sums, vmulq_n_f32(scale, x[b].scale), vcvtq_f32_s32(dot));
    if constexpr (Format::kHasMinimum) {
      const float32x4_t minimum = load_four_halves(rows, offset + offsetof(Block, minimum));
      const int32x4_t own = sum_lanes_of_four(minimums[0], minimums[1], minimums[2], minimums[3]);
      sums = vfmsq_f32(sums, vmulq_n_f32(minimum, x[b].scale), vcvtq_f32_s32(own));
    }
  }
  return sums;
}

// -- more tokens ---------------------------------------------------------------------------------

/// One block of four rows. quants: for each four elements those of every row, without offset.
struct Panel {
  alignas(16) std::int8_t quants[kGroups][4][16];
  alignas(16) std::int16_t scales[kGroups][kRows];  // as many as the format has groups
  Factors minimums[kRows];
  alignas(16) float scale[kRows];
  alignas(16) float minimum[kRows];
};

/// Eight factors of four rows to four factors for each of eight groups.
JEVONS_FORCE_INLINE void store_by_group(const int16x8_t (&rows)[kRows],
                                        std::int16_t (*out)[kRows]) {
  const int32x4_t low_01 = vreinterpretq_s32_s16(vzip1q_s16(rows[0], rows[1]));
  const int32x4_t high_01 = vreinterpretq_s32_s16(vzip2q_s16(rows[0], rows[1]));
  const int32x4_t low_23 = vreinterpretq_s32_s16(vzip1q_s16(rows[2], rows[3]));
  const int32x4_t high_23 = vreinterpretq_s32_s16(vzip2q_s16(rows[2], rows[3]));
  vst1q_s16(out[0], vreinterpretq_s16_s32(vzip1q_s32(low_01, low_23)));
  vst1q_s16(out[2], vreinterpretq_s16_s32(vzip2q_s32(low_01, low_23)));
  vst1q_s16(out[4], vreinterpretq_s16_s32(vzip1q_s32(high_01, high_23)));
  vst1q_s16(out[6], vreinterpretq_s16_s32(vzip2q_s32(high_01, high_23)));
}

template <typename Format>
void unpack_block(const std::byte* const* rows, std::size_t offset, Panel& panel) {
  using Block = typename Format::Block;
  int16x8_t first_scales[kRows];
  int16x8_t second_scales[kRows];
  std::int8_t quants[kGroups][kRows][16];
  JEVONS_KEEP_LOOP
  for (int r = 0; r < kRows; ++r) {
    const Block& block = *reinterpret_cast<const Block*>(rows[r] + offset);
    const Scales scales = Format::scales(block);
    first_scales[r] = scales.scales.v[0];
    second_scales[r] = scales.scales.v[1];
    panel.minimums[r] = scales.minimums;
    JEVONS_UNROLL
    for (int half = 0; half < 2; ++half) {
      HalfBlock w;
      Format::unpack_half(block, half, w);
      JEVONS_UNROLL
      for (int i = 0; i < kGroups / 2; ++i) {
        vst1q_s8(quants[kGroups / 2 * half + i][r], vsubq_s8(w[i], vdupq_n_s8(Format::kOffset)));
      }
    }
  }
  JEVONS_KEEP_LOOP
  for (int i = 0; i < kGroups; ++i) {
    int8x16_t group[kRows];
    load_interleaved(quants[i], group);
    store_interleaved(group, panel.quants[i]);
  }
  store_by_group(first_scales, panel.scales);
  if constexpr (Format::kGroup == 16) store_by_group(second_scales, panel.scales + 8);
  vst1q_f32(panel.scale, load_four_halves(rows, offset + offsetof(Block, scale)));
  if constexpr (Format::kHasMinimum) {
    vst1q_f32(panel.minimum, load_four_halves(rows, offset + offsetof(Block, minimum)));
  }
}

/// Adds a block's minimums times one token to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE float32x4_t add_minimums(const Panel& panel, const ActivationQ8Super& x,
                                             float32x4_t sums) {
  const Factors x_sums = activation_sums<Format>(x);
  int32x4_t minimums[kRows];
  JEVONS_UNROLL
  for (int r = 0; r < kRows; ++r) minimums[r] = dot_factors<Format>(panel.minimums[r], x_sums);
  const int32x4_t own = sum_lanes_of_four(minimums[0], minimums[1], minimums[2], minimums[3]);
  return vfmsq_f32(sums, vmulq_n_f32(vld1q_f32(panel.minimum), x.scale), vcvtq_f32_s32(own));
}

/// Adds the panel's four rows times block `b` of some tokens to their sums.
template <typename Format, int kTokens>
JEVONS_FORCE_INLINE void add_tile(const Panel& panel, const std::byte* const* tokens, std::size_t b,
                                  float (*sums)[kRows]) {
  const ActivationQ8Super* x[kTokens];
  int32x4_t dots[kTokens];
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    x[t] = reinterpret_cast<const ActivationQ8Super*>(tokens[t]) + b;
    dots[t] = vdupq_n_s32(0);
  }
  constexpr int kGroupSixteens = Format::kGroup / 16;
  JEVONS_KEEP_LOOP
  for (int group = 0; group < kSuperBlock / Format::kGroup; ++group) {
    int32x4_t of_group[kTokens];
    JEVONS_UNROLL
    for (int32x4_t& sum : of_group) sum = vdupq_n_s32(0);
    JEVONS_UNROLL
    for (int part = 0; part < kGroupSixteens; ++part) {
      const int i = group * kGroupSixteens + part;
      int8x16_t w[4];
      load_interleaved(panel.quants[i], w);
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) {
        of_group[t] = dot_interleaved(of_group[t], w, load_16(x[t]->quants + 16 * i));
      }
    }
    const int32x4_t scales = vmovl_s16(vld1_s16(panel.scales[group]));
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) dots[t] = vmlaq_s32(dots[t], of_group[t], scales);
  }
  const float32x4_t scale = vld1q_f32(panel.scale);
  JEVONS_UNROLL
  for (int t = 0; t < kTokens; ++t) {
    float32x4_t sum = vld1q_f32(sums[t]);
    sum = vfmaq_f32(sum, vmulq_n_f32(scale, x[t]->scale), vcvtq_f32_s32(dots[t]));
    if constexpr (Format::kHasMinimum) sum = add_minimums<Format>(panel, *x[t], sum);
    vst1q_f32(sums[t], sum);
  }
}

/// A group times up to 64 tokens, through panels.
template <typename Format>
void multiply_many(const MatmulArguments& a, const MatrixRows<kRows>& group, int first_token,
                   int n_tokens) {
  alignas(16) float sums[kTokensAtOnce][kRows] = {};
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  const std::byte* const* tokens = a.x + first_token;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    Panel panel;
    unpack_block<Format>(group.rows, b * sizeof(typename Format::Block), panel);
    int t = 0;
    for (; t + kTileTokens <= n_tokens; t += kTileTokens) {
      add_tile<Format, kTileTokens>(panel, tokens + t, b, sums + t);
    }
    for (; t < n_tokens; ++t) add_tile<Format, 1>(panel, tokens + t, b, sums + t);
  }
  for (int t = 0; t < n_tokens; ++t) group.store(sums[t], a.y[first_token + t]);
}

template <typename Format>
void multiply_few(const MatmulArguments& a, const MatrixRows<kRows>& group) {
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  for (int t = 0; t < a.n_tokens; ++t) {
    alignas(16) float sums[kRows];
    const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[t]);
    vst1q_f32(sums, decode<Format>(group.rows, n_blocks, x));
    group.store(sums, a.y[t]);
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  for (int row = 0; row < a.n_rows; row += kRows) {
    const MatrixRows<kRows> group(a, row);
    if (a.n_tokens < kFewestPanelTokens) {
      multiply_few<Format>(a, group);
      continue;
    }
    for (int t = 0; t < a.n_tokens; t += kTokensAtOnce) {
      multiply_many<Format>(a, group, t, std::min(kTokensAtOnce, a.n_tokens - t));
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_super_blocks_neon(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = matmul<Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = matmul<Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = matmul<Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = matmul<Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = matmul<Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = matmul<Iq4Xs>;
}

}  // namespace jevons::kernels

#endif
