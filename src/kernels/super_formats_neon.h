// The formats of 256-element blocks for NEON: their scales and quants as they lie in registers.
// Internal to the *_neon files: everything here is compiled for that instruction set.
#pragma once

#include <arm_neon.h>

#include <cstdint>
#include <cstring>

#include "kernels/block_formats.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {

inline constexpr int kGroups = kSuperBlock / 16;

/// Half a block, in groups of 16 elements.
using HalfBlock = int8x16_t[kGroups / 2];

/// A block's scales, or minimums: one for each 16 elements in two vectors, or one for each 32 in
/// the first.
struct Factors {
  int16x8_t v[2];
};

struct Scales {
  Factors scales;
  Factors minimums;  // of the formats that have them
};

// Formats. kGroup: elements under one scale. kOffset: what stored quants are too large by.
// unpack_half(): the stored quants of elements 128 * half.., none above 127.

/// Eight bytes to 16-bit numbers.
JEVONS_FORCE_INLINE int16x8_t widen(std::uint64_t bytes) {
  return vreinterpretq_s16_u16(vmovl_u8(vcreate_u8(bytes)));
}

/// Sixteen signed bytes to 16-bit numbers.
JEVONS_FORCE_INLINE Factors widen(int8x16_t bytes) {
  return {{vmovl_s8(vget_low_s8(bytes)), vmovl_high_s8(bytes)}};
}

/// The eight scales and minimums of 6 bits of Q4_K and Q5_K.
JEVONS_FORCE_INLINE Scales six_bit_scales(const std::uint8_t* packed) {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const std::uint64_t high_scales = (c & 0x0F0F0F0FU) | (a >> 2 & 0x30303030U);
  const std::uint64_t high_minimums = (c >> 4 & 0x0F0F0F0FU) | (b >> 2 & 0x30303030U);
  const int16x8_t none = vdupq_n_s16(0);
  return {{{widen((a & 0x3F3F3F3FU) | high_scales << 32), none}},
          {{widen((b & 0x3F3F3F3FU) | high_minimums << 32), none}}};
}

/// The sixteen signed scales of Q3_K: the low four bits in eight bytes, the high two in four more.
JEVONS_FORCE_INLINE int8x16_t q3k_scales(const std::uint8_t* packed) {
  std::uint64_t low;
  std::uint32_t high;
  std::memcpy(&low, packed, sizeof(low));
  std::memcpy(&high, packed + sizeof(low), sizeof(high));
  constexpr std::uint64_t kTwoBits = 0x03030303;
  const std::uint64_t high_first = (high & kTwoBits) | (high >> 2 & kTwoBits) << 32;
  const std::uint64_t high_second = (high >> 4 & kTwoBits) | (high >> 6 & kTwoBits) << 32;
  const std::uint64_t first = (low & 0x0F0F0F0F0F0F0F0FU) | high_first << 4;
  const std::uint64_t second = (low >> 4 & 0x0F0F0F0F0F0F0F0FU) | high_second << 4;
  return vsubq_s8(vcombine_s8(vcreate_s8(first), vcreate_s8(second)), vdupq_n_s8(32));
}

JEVONS_FORCE_INLINE int8x16_t as_signed(uint8x16_t v) { return vreinterpretq_s8_u8(v); }

/// `value` where bit `bit` of a byte is set, else 0.
JEVONS_FORCE_INLINE uint8x16_t where_bit(uint8x16_t bytes, int bit, std::uint8_t value) {
  const uint8x16_t is_set = vtstq_u8(bytes, vdupq_n_u8(static_cast<std::uint8_t>(1U << bit)));
  return vandq_u8(is_set, vdupq_n_u8(value));
}

/// 64 bytes of nibbles: 32 elements in the low ones, the next 32 in the high ones, and again.
JEVONS_FORCE_INLINE void unpack_nibble_runs(const std::uint8_t* bytes, HalfBlock& out) {
  JEVONS_UNROLL
  for (int i = 0; i < 4; ++i) {
    int8x16_t both[2];
    unpack_nibbles(bytes + 16 * i, both);
    const int low = i / 2 * 4 + i % 2;
    out[low] = both[0];
    out[low + 2] = both[1];
  }
}

/// 32 bytes of which each has 2 bits of four elements that lie 32 apart.
JEVONS_FORCE_INLINE void unpack_two_bits(const std::uint8_t* bytes, HalfBlock& out) {
  const uint8x16_t mask = vdupq_n_u8(3);
  JEVONS_UNROLL
  for (int i = 0; i < 2; ++i) {
    const uint8x16_t v = vld1q_u8(bytes + 16 * i);
    out[i] = as_signed(vandq_u8(v, mask));
    out[i + 2] = as_signed(vandq_u8(vshrq_n_u8(v, 2), mask));
    out[i + 4] = as_signed(vandq_u8(vshrq_n_u8(v, 4), mask));
    out[i + 6] = as_signed(vshrq_n_u8(v, 6));
  }
}

/// Adds `value` to the elements whose bit is set: bit j of byte i is that of element 32 * j + i.
JEVONS_FORCE_INLINE void add_high_bits(const std::uint8_t* bytes, int half, std::uint8_t value,
                                       HalfBlock& out) {
  const uint8x16_t high[2] = {vld1q_u8(bytes), vld1q_u8(bytes + 16)};
  JEVONS_UNROLL
  for (int i = 0; i < kGroups / 2; ++i) {
    const uint8x16_t set = where_bit(high[i % 2], 4 * half + i / 2, value);
    out[i] = vorrq_s8(out[i], as_signed(set));
  }
}

struct Q4K {
  using Block = BlockQ4_K;
  static constexpr int kGroup = 32;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    unpack_nibble_runs(block.quants + 64 * half, out);
  }
};

struct Q5K {
  using Block = BlockQ5_K;
  static constexpr int kGroup = 32;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    unpack_nibble_runs(block.quants + 64 * half, out);
    add_high_bits(block.high_bits, half, 16, out);
  }
};

struct Q6K {
  using Block = BlockQ6_K;
  static constexpr int kGroup = 16;
  static constexpr int kOffset = 32;
  static constexpr bool kHasMinimum = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return {widen(load_16(block.scales)), {}};
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    const uint8x16_t low_mask = vdupq_n_u8(0x0F);
    const uint8x16_t high_mask = vdupq_n_u8(0x30);
    JEVONS_UNROLL
    for (int i = 0; i < 2; ++i) {
      const uint8x16_t first = vld1q_u8(block.low_bits + 64 * half + 16 * i);
      const uint8x16_t second = vld1q_u8(block.low_bits + 64 * half + 32 + 16 * i);
      const uint8x16_t high = vld1q_u8(block.high_bits + 32 * half + 16 * i);
      out[i] =
          as_signed(vorrq_u8(vandq_u8(first, low_mask), vandq_u8(vshlq_n_u8(high, 4), high_mask)));
      out[i + 2] =
          as_signed(vorrq_u8(vandq_u8(second, low_mask), vandq_u8(vshlq_n_u8(high, 2), high_mask)));
      out[i + 4] = as_signed(vorrq_u8(vshrq_n_u8(first, 4), vandq_u8(high, high_mask)));
      out[i + 6] =
          as_signed(vorrq_u8(vshrq_n_u8(second, 4), vandq_u8(vshrq_n_u8(high, 2), high_mask)));
    }
  }
};

struct Q2K {
  using Block = BlockQ2_K;
  static constexpr int kGroup = 16;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    int8x16_t both[2];
    unpack_nibbles(block.scales, both);
    return {widen(both[0]), widen(both[1])};
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    unpack_two_bits(block.quants + 32 * half, out);
  }
};

struct Q3K {
  using Block = BlockQ3_K;
  static constexpr int kGroup = 16;
  static constexpr int kOffset = 4;
  static constexpr bool kHasMinimum = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return {widen(q3k_scales(block.scales)), {}};
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    unpack_two_bits(block.quants + 32 * half, out);
    add_high_bits(block.high_bits, half, 4, out);
  }
};

struct Iq4Xs {
  using Block = BlockIQ4_XS;
  static constexpr int kGroup = 32;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    std::uint32_t low;
    std::memcpy(&low, block.scales_low, sizeof(low));
    std::uint64_t bytes = 0;
    JEVONS_UNROLL
    for (int i = 0; i < kSuperBlock / 32; ++i) {
      const std::uint64_t scale = (low >> (4 * i) & 15U) | (block.scales_high >> (2 * i) & 3U) << 4;
      bytes |= scale << (8 * i);
    }
    return {{{vsubq_s16(widen(bytes), vdupq_n_s16(32)), vdupq_n_s16(0)}}, {}};
  }
  JEVONS_FORCE_INLINE static void unpack_half(const Block& block, int half, HalfBlock& out) {
    JEVONS_UNROLL
    for (int i = 0; i < 4; ++i) {
      int8x16_t both[2];
      unpack_nibbles(block.quants + 64 * half + 16 * i, both);
      out[2 * i] = iq4_values(both[0]);
      out[2 * i + 1] = iq4_values(both[1]);
    }
  }
};

}  // namespace jevons::kernels
JEVONS_TARGET_END
