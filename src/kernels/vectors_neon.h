// Small steps that several NEON files share. Internal to the *_neon files: everything here is
// compiled for that instruction set.
#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/block_unpack.h"
#include "kernels/compiler_hints.h"
#include "kernels/isa.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {

inline constexpr int kRowsAtOnceNeon = 4;

JEVONS_FORCE_INLINE int8x16_t load_16(const void* bytes) {
  return vld1q_s8(static_cast<const std::int8_t*>(bytes));
}

JEVONS_FORCE_INLINE uint8x16_t load_16u(const void* bytes) {
  return vld1q_u8(static_cast<const std::uint8_t*>(bytes));
}

/// Sums of each four of sixteen products.
JEVONS_FORCE_INLINE int32x4_t dot_16(int8x16_t a, int8x16_t b) {
  return vdotq_s32(vdupq_n_s32(0), a, b);
}

/// Sum of the lanes of four vectors, one in each lane of the result.
JEVONS_FORCE_INLINE int32x4_t sum_lanes_of_four(int32x4_t a, int32x4_t b, int32x4_t c,
                                                int32x4_t d) {
  return vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
}

/// Four rows of four words to the first, second, third and fourth words of the rows.
JEVONS_FORCE_INLINE void transpose_words(int32x4_t (&v)[4]) {
  const int64x2_t even_01 = vreinterpretq_s64_s32(vtrn1q_s32(v[0], v[1]));
  const int64x2_t odd_01 = vreinterpretq_s64_s32(vtrn2q_s32(v[0], v[1]));
  const int64x2_t even_23 = vreinterpretq_s64_s32(vtrn1q_s32(v[2], v[3]));
  const int64x2_t odd_23 = vreinterpretq_s64_s32(vtrn2q_s32(v[2], v[3]));
  v[0] = vreinterpretq_s32_s64(vtrn1q_s64(even_01, even_23));
  v[1] = vreinterpretq_s32_s64(vtrn1q_s64(odd_01, odd_23));
  v[2] = vreinterpretq_s32_s64(vtrn2q_s64(even_01, even_23));
  v[3] = vreinterpretq_s32_s64(vtrn2q_s64(odd_01, odd_23));
}

/// The same sixteen bytes of four rows, stored so that each vector holds four of every row: what a
/// row's four bytes are multiplied with is then one word of the activations, taken by its lane.
JEVONS_FORCE_INLINE void store_interleaved(const int8x16_t (&rows)[4], std::int8_t (*out)[16]) {
  int32x4_t v[4];
  JEVONS_UNROLL
  for (int r = 0; r < 4; ++r) v[r] = vreinterpretq_s32_s8(rows[r]);
  transpose_words(v);
  JEVONS_UNROLL
  for (int i = 0; i < 4; ++i) vst1q_s8(out[i], vreinterpretq_s8_s32(v[i]));
}

/// Adds four interleaved rows times sixteen activations to one sum for each row.
JEVONS_FORCE_INLINE int32x4_t dot_interleaved(int32x4_t sums, const int8x16_t (&rows)[4],
                                              int8x16_t x) {
  sums = vdotq_laneq_s32(sums, rows[0], x, 0);
  sums = vdotq_laneq_s32(sums, rows[1], x, 1);
  sums = vdotq_laneq_s32(sums, rows[2], x, 2);
  return vdotq_laneq_s32(sums, rows[3], x, 3);
}

JEVONS_FORCE_INLINE void load_interleaved(const std::int8_t (*from)[16], int8x16_t (&rows)[4]) {
  JEVONS_UNROLL
  for (int i = 0; i < 4; ++i) rows[i] = vld1q_s8(from[i]);
}

/// Four halves as floats.
JEVONS_FORCE_INLINE float32x4_t widen_halves(const std::uint16_t* halves) {
  return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(halves)));
}

/// The halves at `offset` of four rows.
JEVONS_FORCE_INLINE float32x4_t load_four_halves(const std::byte* const* rows, std::size_t offset) {
  std::uint16_t halves[4];
  for (int r = 0; r < 4; ++r) std::memcpy(&halves[r], rows[r] + offset, sizeof(halves[r]));
  return widen_halves(halves);
}

/// 16 bytes to 32 nibbles: the low ones, then the high ones.
JEVONS_FORCE_INLINE void unpack_nibbles(const std::uint8_t* bytes, int8x16_t (&out)[2]) {
  const uint8x16_t v = vld1q_u8(bytes);
  out[0] = vreinterpretq_s8_u8(vandq_u8(v, vdupq_n_u8(15)));
  out[1] = vreinterpretq_s8_u8(vshrq_n_u8(v, 4));
}

/// kIq4Values[index], for 16 indices.
JEVONS_FORCE_INLINE int8x16_t iq4_values(int8x16_t indices) {
  return vqtbl1q_s8(vld1q_s8(kIq4Values), vreinterpretq_u8_s8(indices));
}

/// The first n of four floats at x, zeros in the other lanes.
JEVONS_FORCE_INLINE float32x4_t load_first(const float* x, int n) {
  if (n >= 4) return vld1q_f32(x);
  float four[4] = {};
  for (int i = 0; i < n; ++i) four[i] = x[i];
  return vld1q_f32(four);
}

JEVONS_FORCE_INLINE void store_first(float* x, int n, float32x4_t v) {
  if (n >= 4) {
    vst1q_f32(x, v);
    return;
  }
  float four[4];
  vst1q_f32(four, v);
  for (int i = 0; i < n; ++i) x[i] = four[i];
}

/// 16 lanes are four vectors. Each fold adds the upper half of the lanes to the lower half: 16, 8,
/// 4, 2, 1.
JEVONS_FORCE_INLINE float folded_sum(float32x4_t a, float32x4_t b, float32x4_t c, float32x4_t d) {
  const float32x4_t four = vaddq_f32(vaddq_f32(a, c), vaddq_f32(b, d));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}

JEVONS_FORCE_INLINE void prefetch_bytes(const std::byte* from, std::size_t n_bytes) {
  for (std::size_t i = 0; i < n_bytes; i += 64) __builtin_prefetch(from + i);
}

/// How far behind the four rows being computed memory is read ahead, as in the AVX2 kernels. Rows
/// lie one after another and are consumed together, so what comes next begins behind the last.
inline constexpr std::size_t kPrefetchLeadBytes = 5 << 10;

}  // namespace jevons::kernels
JEVONS_TARGET_END
