// The two instructions of AVX-VNNI that the kernels beside AVX2's use, and JEVONS_AVX_VNNI_TARGET,
// the target of the files that use them. With JEVONS_EMULATE_AVX_VNNI both are done by AVX2, so
// that tests can run those kernels on a CPU that has only that.
#pragma once

#include <immintrin.h>

#include "kernels/compiler_hints.h"
#include "kernels/isa.h"

#if defined(JEVONS_EMULATE_AVX_VNNI)
#define JEVONS_AVX_VNNI_TARGET "avx2,fma,f16c"
#else
#define JEVONS_AVX_VNNI_TARGET "avx2,fma,f16c,avxvnni"
#endif

JEVONS_TARGET_BEGIN(JEVONS_AVX_VNNI_TARGET)
namespace jevons::kernels {
namespace {

#if defined(JEVONS_EMULATE_AVX_VNNI)

// By definition: four products of an unsigned and a signed byte, summed in 32 bits.
JEVONS_FORCE_INLINE __m256i add_byte_products(__m256i sums, __m256i a, __m256i b) {
  const __m256i low = _mm256_set1_epi16(0xFF);
  const __m256i even =
      _mm256_madd_epi16(_mm256_and_si256(a, low), _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8));
  const __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(a, 8), _mm256_srai_epi16(b, 8));
  return _mm256_add_epi32(sums, _mm256_add_epi32(even, odd));
}

JEVONS_FORCE_INLINE __m256i add_pair_products(__m256i sums, __m256i a, __m256i b) {
  return _mm256_add_epi32(sums, _mm256_madd_epi16(a, b));
}

#else

/// Adds to each dword of `sums` four products of an unsigned byte of a and a signed one of b.
JEVONS_FORCE_INLINE __m256i add_byte_products(__m256i sums, __m256i a, __m256i b) {
  return _mm256_dpbusd_avx_epi32(sums, a, b);
}

/// Adds to each dword of `sums` two products of signed 16-bit numbers.
JEVONS_FORCE_INLINE __m256i add_pair_products(__m256i sums, __m256i a, __m256i b) {
  return _mm256_dpwssd_avx_epi32(sums, a, b);
}

#endif

/// Adds four products of a weight and an activation, which is never -128.
template <bool kSigned>
JEVONS_FORCE_INLINE __m256i add_products(__m256i sums, __m256i weights, __m256i activations) {
  if constexpr (kSigned) {
    return add_byte_products(sums, _mm256_abs_epi8(weights),
                             _mm256_sign_epi8(activations, weights));
  } else {
    return add_byte_products(sums, weights, activations);
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END
