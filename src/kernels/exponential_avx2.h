// kernels::exponential for 8 lanes, and folds of 16 lanes to one. Internal to the *_avx2 files:
// the functions are compiled for that instruction set wherever they are included.
#pragma once

#include <immintrin.h>

#include "kernels/exponential.h"
#include "kernels/isa.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {

inline __m256 exponential_avx2(__m256 x) {
  const __m256 lowest = _mm256_set1_ps(kExpLowest);
  const __m256 clamped = _mm256_max_ps(lowest, _mm256_min_ps(_mm256_set1_ps(kExpHighest), x));
  const __m256 shift = _mm256_set1_ps(kRoundingShift);
  const __m256 shifted = _mm256_fmadd_ps(clamped, _mm256_set1_ps(kLog2E), shift);
  const __m256 n = _mm256_sub_ps(shifted, shift);
  __m256 r = _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2High), clamped);
  r = _mm256_fmadd_ps(n, _mm256_set1_ps(-kLn2Low), r);
  __m256 polynomial = _mm256_set1_ps(kExpCoefficients[4]);
  for (int i = 3; i >= 0; --i) {
    polynomial = _mm256_fmadd_ps(polynomial, r, _mm256_set1_ps(kExpCoefficients[i]));
  }
  const __m256 power =
      _mm256_add_ps(_mm256_fmadd_ps(polynomial, _mm256_mul_ps(r, r), r), _mm256_set1_ps(1.0F));
  const __m256i exponent =
      _mm256_sub_epi32(_mm256_castps_si256(shifted), _mm256_set1_epi32(kRoundingShiftBits));
  const __m256i half = _mm256_srai_epi32(exponent, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i rest = _mm256_add_epi32(_mm256_sub_epi32(exponent, half), bias);
  const __m256i second = _mm256_slli_epi32(rest, 23);
  const __m256 result =
      _mm256_mul_ps(_mm256_mul_ps(power, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
  return _mm256_and_ps(result, _mm256_cmp_ps(x, lowest, _CMP_NLT_UQ));
}

// 16 lanes are two vectors. Each fold adds (or compares) the upper half of the lanes with the
// lower half: 16, 8, 4, 2, 1.
inline float folded_sum_avx2(__m256 low, __m256 high) {
  const __m256 eight = _mm256_add_ps(low, high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline float folded_maximum_avx2(__m256 low, __m256 high) {
  const __m256 eight = _mm256_max_ps(low, high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// All bits set in the lanes below n_lanes, which may be less than 0 or more than 8.
inline __m256i first_lanes_avx2(int n_lanes) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n_lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
