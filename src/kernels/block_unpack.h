// Blocks as plain numbers: the one reading of each GGUF block in portable code, from which both
// dequantisation and the scalar matrix kernels are made. Internal to kernels/.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "kernels/block_formats.h"
#include "kernels/float_formats.h"

namespace jevons::kernels {

/// 32 elements: value = scale * quants[i] + minimum.
struct UnpackedSmall {
  float scale;
  float minimum;  // 0 where the format has none
  std::int8_t quants[kSmallBlock];
};

/// 256 elements: value = scale * scales[i / 16] * quants[i] - minimum * minimums[i / 16].
struct UnpackedSuper {
  float scale;
  float minimum;  // 0 where the format has none
  int scales[kSuperBlock / 16];
  int minimums[kSuperBlock / 16];
  std::int8_t quants[kSuperBlock];
};

/// What the indices of IQ4_NL and IQ4_XS stand for.
inline constexpr std::int8_t kIq4Values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                               1,    13,   25,  38,  53,  69,  89,  113};

/// Nibble `i` of a run of bytes whose low nibbles are elements 0.. and high nibbles the rest.
[[nodiscard]] inline int nibble(const std::uint8_t* bytes, int n_bytes, int i) {
  return i < n_bytes ? bytes[i] & 15 : bytes[i - n_bytes] >> 4;
}

inline UnpackedSmall unpack(const BlockQ8_0& block) {
  UnpackedSmall out{f16_to_float(block.scale), 0.0F, {}};
  std::memcpy(out.quants, block.quants, sizeof(out.quants));
  return out;
}

inline UnpackedSmall unpack(const BlockQ4_0& block) {
  UnpackedSmall out{f16_to_float(block.scale), 0.0F, {}};
  for (int i = 0; i < kSmallBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(nibble(block.quants, 16, i) - 8);
  }
  return out;
}

inline UnpackedSmall unpack(const BlockQ4_1& block) {
  UnpackedSmall out{f16_to_float(block.scale), f16_to_float(block.minimum), {}};
  for (int i = 0; i < kSmallBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(nibble(block.quants, 16, i));
  }
  return out;
}

/// Element `i` of a block with 4 bits in `low` and the fifth in `high`: 0..31.
[[nodiscard]] inline int five_bits(const std::uint8_t* low, const std::uint8_t* high, int i) {
  return nibble(low, 16, i) | (high[i / 8] >> (i % 8) & 1) << 4;
}

inline UnpackedSmall unpack(const BlockQ5_0& block) {
  UnpackedSmall out{f16_to_float(block.scale), 0.0F, {}};
  for (int i = 0; i < kSmallBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(five_bits(block.quants, block.high_bits, i) - 16);
  }
  return out;
}

inline UnpackedSmall unpack(const BlockQ5_1& block) {
  UnpackedSmall out{f16_to_float(block.scale), f16_to_float(block.minimum), {}};
  for (int i = 0; i < kSmallBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(five_bits(block.quants, block.high_bits, i));
  }
  return out;
}

inline UnpackedSmall unpack(const BlockIQ4_NL& block) {
  UnpackedSmall out{f16_to_float(block.scale), 0.0F, {}};
  for (int i = 0; i < kSmallBlock; ++i) out.quants[i] = kIq4Values[nibble(block.quants, 16, i)];
  return out;
}

/// The eight scales and eight minimums of 6 bits in the twelve bytes of Q4_K and Q5_K.
inline void unpack_six_bit_scales(const std::uint8_t* packed, UnpackedSuper& out) {
  for (int i = 0; i < kSuperBlock / 16; ++i) {
    const int j = i / 2;
    out.scales[i] = j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | packed[j - 4] >> 6 << 4;
    out.minimums[i] = j < 4 ? packed[j + 4] & 63 : packed[j + 4] >> 4 | packed[j] >> 6 << 4;
  }
}

inline UnpackedSuper unpack(const BlockQ4_K& block) {
  UnpackedSuper out{f16_to_float(block.scale), f16_to_float(block.minimum), {}, {}, {}};
  unpack_six_bit_scales(block.scales, out);
  for (int i = 0; i < kSuperBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(nibble(block.quants + i / 64 * 32, 32, i % 64));
  }
  return out;
}

inline UnpackedSuper unpack(const BlockQ5_K& block) {
  UnpackedSuper out{f16_to_float(block.scale), f16_to_float(block.minimum), {}, {}, {}};
  unpack_six_bit_scales(block.scales, out);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int low = nibble(block.quants + i / 64 * 32, 32, i % 64);
    const int high = block.high_bits[i % 32] >> (i / 32) & 1;
    out.quants[i] = static_cast<std::int8_t>(low | high << 4);
  }
  return out;
}

/// Element `i` of 64 bytes that hold 2 bits of each of 256 elements, as in Q2_K and Q3_K.
[[nodiscard]] inline int two_bits(const std::uint8_t* bytes, int i) {
  return bytes[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
}

inline UnpackedSuper unpack(const BlockQ2_K& block) {
  UnpackedSuper out{f16_to_float(block.scale), f16_to_float(block.minimum), {}, {}, {}};
  for (int i = 0; i < kSuperBlock / 16; ++i) {
    out.scales[i] = block.scales[i] & 15;
    out.minimums[i] = block.scales[i] >> 4;
  }
  for (int i = 0; i < kSuperBlock; ++i) {
    out.quants[i] = static_cast<std::int8_t>(two_bits(block.quants, i));
  }
  return out;
}

inline UnpackedSuper unpack(const BlockQ3_K& block) {
  UnpackedSuper out{f16_to_float(block.scale), 0.0F, {}, {}, {}};
  for (int i = 0; i < kSuperBlock / 16; ++i) {
    const int low = nibble(block.scales, 8, i);
    const int high = block.scales[8 + i % 4] >> (i / 4 * 2) & 3;
    out.scales[i] = (low | high << 4) - 32;
  }
  for (int i = 0; i < kSuperBlock; ++i) {
    const int high = block.high_bits[i % 32] >> (i / 32) & 1;
    out.quants[i] = static_cast<std::int8_t>((two_bits(block.quants, i) | high << 2) - 4);
  }
  return out;
}

inline UnpackedSuper unpack(const BlockQ6_K& block) {
  UnpackedSuper out{f16_to_float(block.scale), 0.0F, {}, {}, {}};
  for (int i = 0; i < kSuperBlock / 16; ++i) out.scales[i] = block.scales[i];
  for (int i = 0; i < kSuperBlock; ++i) {
    const int half = i / 128;
    const int low = nibble(block.low_bits + half * 64, 64, i % 128);
    const int high = block.high_bits[half * 32 + i % 32] >> (i % 128 / 32 * 2) & 3;
    out.quants[i] = static_cast<std::int8_t>((low | high << 4) - 32);
  }
  return out;
}

inline UnpackedSuper unpack(const BlockIQ4_XS& block) {
  UnpackedSuper out{f16_to_float(block.scale), 0.0F, {}, {}, {}};
  for (int i = 0; i < kSuperBlock / 16; ++i) {
    const int j = i / 2;
    const int low = block.scales_low[j / 2] >> (j % 2 * 4) & 15;
    const int high = block.scales_high >> (j * 2) & 3;
    out.scales[i] = (low | high << 4) - 32;
  }
  for (int i = 0; i < kSuperBlock; ++i) {
    out.quants[i] = kIq4Values[nibble(block.quants + i / 32 * 16, 16, i % 32)];
  }
  return out;
}

}  // namespace jevons::kernels
