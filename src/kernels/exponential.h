// The constants of the one exponential, for the file of each instruction set.
//
//   n = x * log2(e), rounded to a whole number by adding and taking away 1.5 * 2^23
//   r = x - n * ln 2, with ln 2 in two parts (Cody and Waite), |r| <= ln 2 / 2
//   e^r = 1 + r + r^2 * (c0 + c1 r + c2 r^2 + c3 r^3 + c4 r^4), by fused multiply-adds
//   e^x = e^r * 2^n, rounded once
//
// The coefficients are a minimax fit of relative error 3.1e-9, a twentieth of an ulp.
#pragma once

#include <cstdint>

namespace jevons::kernels {

inline constexpr float kExpLowest = -87.33654F;  // smaller x give 0: no denormal comes out
inline constexpr float kExpHighest = 89.0F;      // larger x give what this one gives, +inf
inline constexpr float kLog2E = 1.44269504F;
inline constexpr float kLn2High = 0.693145751953125F;  // 17 bits: n * kLn2High is exact
inline constexpr float kLn2Low = 1.42860677e-6F;
inline constexpr float kRoundingShift = 12582912.0F;  // 1.5 * 2^23
inline constexpr std::int32_t kRoundingShiftBits = 0x4B400000;
inline constexpr float kExpCoefficients[] = {0x1.fffffcp-2F, 0x1.55549p-3F, 0x1.5558f4p-5F,
                                             0x1.123a6cp-7F, 0x1.6a2352p-10F};

}  // namespace jevons::kernels
