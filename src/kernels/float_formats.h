// Narrow floats to float and back, exactly, on any machine. Nothing here fails; any thread.
//
// Towards float every value is kept; a signalling half becomes a quiet NaN, as the converters of
// the hardware make it. From float the nearest value is taken, ties to even (IEEE 754,
// section 4.3.1).
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/block_formats.h"

namespace jevons::kernels {

[[nodiscard]] constexpr float f16_to_float(f16 half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 0x1FU;
  const std::uint32_t fraction = half & 0x3FFU;
  std::uint32_t bits;
  if (exponent == 0) {
    bits = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * 0x1p-24F);
  } else if (exponent == 0x1F) {
    bits = 0x7F800000U | fraction << 13 | (fraction != 0 ? 0x400000U : 0U);
  } else {
    bits = (exponent + 112U) << 23 | fraction << 13;
  }
  return std::bit_cast<float>(sign | bits);
}

/// Too large becomes infinity, too small a subnormal or zero; NaN stays NaN.
[[nodiscard]] constexpr f16 float_to_f16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  std::uint32_t half;
  if (magnitude > 0x7F800000U) {
    half = 0x7E00U | (magnitude >> 13 & 0x1FFU);
  } else if (magnitude >= 0x477FF000U) {  // 65520 is halfway to the first number that is too large
    half = 0x7C00U;
  } else if (magnitude < 0x38800000U) {  // 2^-14; the ulp of 0.5 is that of subnormal halves
    const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
    half = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5F);
  } else {
    half = (magnitude - 0x38000000U + 0xFFFU + (magnitude >> 13 & 1U)) >> 13;
  }
  return static_cast<f16>(sign | half);
}

[[nodiscard]] constexpr float bf16_to_float(bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// Too large becomes infinity; NaN stays NaN. Subnormals are kept.
[[nodiscard]] constexpr bf16 float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) return static_cast<bf16>(bits >> 16 | 0x40U);
  return static_cast<bf16>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

/// FP8 with 4 bits of exponent (bias 7) and 3 of fraction, no infinity, NaN 0x7F and 0xFF:
/// E4M3 of "FP8 Formats for Deep Learning" (arXiv 2209.05433), as M2's checkpoints have it.
[[nodiscard]] constexpr float fp8_e4m3_to_float(std::uint8_t value) {
  const std::uint32_t exponent = value >> 3 & 0xFU;
  const std::uint32_t fraction = value & 0x7U;
  float magnitude;
  if (exponent == 0) {
    magnitude = static_cast<float>(fraction) * 0x1p-9F;
  } else if (exponent == 0xF && fraction == 0x7) {
    magnitude = std::numeric_limits<float>::quiet_NaN();
  } else {
    magnitude = std::bit_cast<float>((exponent + 120U) << 23 | fraction << 20);
  }
  return (value & 0x80U) != 0 ? -magnitude : magnitude;
}

}  // namespace jevons::kernels
