// kernels::exponential for 16 lanes, and folds of 16 lanes to one. Internal to the *_avx512 files:
// the functions are compiled for that instruction set wherever they are included.
#pragma once

#include <immintrin.h>

#include "kernels/exponential.h"
#include "kernels/isa.h"

JEVONS_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")
namespace jevons::kernels {

inline __m512 exponential_avx512(__m512 x) {
  const __m512 lowest = _mm512_set1_ps(kExpLowest);
  const __m512 clamped = _mm512_max_ps(lowest, _mm512_min_ps(_mm512_set1_ps(kExpHighest), x));
  const __m512 shift = _mm512_set1_ps(kRoundingShift);
  const __m512 n = _mm512_sub_ps(_mm512_fmadd_ps(clamped, _mm512_set1_ps(kLog2E), shift), shift);
  __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2High), clamped);
  r = _mm512_fmadd_ps(n, _mm512_set1_ps(-kLn2Low), r);
  __m512 polynomial = _mm512_set1_ps(kExpCoefficients[4]);
  for (int i = 3; i >= 0; --i) {
    polynomial = _mm512_fmadd_ps(polynomial, r, _mm512_set1_ps(kExpCoefficients[i]));
  }
  const __m512 power =
      _mm512_add_ps(_mm512_fmadd_ps(polynomial, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1.0F));
  const __mmask16 keep = _mm512_cmp_ps_mask(x, lowest, _CMP_NLT_UQ);
  return _mm512_maskz_scalef_ps(keep, power, n);
}

// Each fold adds (or compares) the upper half of the lanes with the lower half: 16, 8, 4, 2, 1.
inline float folded_sum_avx512(__m512 x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline float folded_maximum_avx512(__m512 x) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
