// kernels::exponential for 4 lanes. Internal to the *_neon files: the function is compiled for that
// instruction set wherever it is included.
#pragma once

#include <arm_neon.h>

#include "kernels/exponential.h"
#include "kernels/isa.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {

/// fmin and fmax hand NaN on, as the scalar comparisons do.
inline float32x4_t exponential_neon(float32x4_t x) {
  const float32x4_t lowest = vdupq_n_f32(kExpLowest);
  const float32x4_t clamped = vmaxq_f32(lowest, vminq_f32(vdupq_n_f32(kExpHighest), x));
  const float32x4_t shift = vdupq_n_f32(kRoundingShift);
  const float32x4_t shifted = vfmaq_f32(shift, clamped, vdupq_n_f32(kLog2E));
  const float32x4_t n = vsubq_f32(shifted, shift);
  float32x4_t r = vfmaq_f32(clamped, n, vdupq_n_f32(-kLn2High));
  r = vfmaq_f32(r, n, vdupq_n_f32(-kLn2Low));
  float32x4_t polynomial = vdupq_n_f32(kExpCoefficients[4]);
  for (int i = 3; i >= 0; --i) {
    polynomial = vfmaq_f32(vdupq_n_f32(kExpCoefficients[i]), polynomial, r);
  }
  const float32x4_t power = vaddq_f32(vfmaq_f32(r, polynomial, vmulq_f32(r, r)), vdupq_n_f32(1.0F));
  const int32x4_t exponent =
      vsubq_s32(vreinterpretq_s32_f32(shifted), vdupq_n_s32(kRoundingShiftBits));
  const int32x4_t half = vshrq_n_s32(exponent, 1);
  const int32x4_t bias = vdupq_n_s32(127);
  const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
  const int32x4_t rest = vaddq_s32(vsubq_s32(exponent, half), bias);
  const int32x4_t second = vshlq_n_s32(rest, 23);
  const float32x4_t result =
      vmulq_f32(vmulq_f32(power, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second));
  const uint32x4_t is_nothing = vcltq_f32(x, lowest);
  return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(result), is_nothing));
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
