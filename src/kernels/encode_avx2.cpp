// Activation encoders for AVX2: the operations of encode_scalar.cpp.
#if defined(__x86_64__)

#include <immintrin.h>

#include <bit>
#include <cstring>

#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

/// Bits of the largest magnitude of x [n], n a multiple of 8.
std::uint32_t largest_magnitude(const float* x, int n) {
  __m256i largest = _mm256_setzero_si256();
  for (int i = 0; i < n; i += 8) {
    const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    largest = _mm256_max_epu32(
        largest, _mm256_and_si256(bits, _mm256_set1_epi32(static_cast<int>(kMagnitudeMask))));
  }
  __m128i four =
      _mm_max_epu32(_mm256_castsi256_si128(largest), _mm256_extracti128_si256(largest, 1));
  four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_max_epu32(four, _mm_shuffle_epi32(four, 0xB1));
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(four));
}

/// x [32] * inverse, rounded to whole numbers of at most 127.
__m256i quantize_32(const float* x, __m256 inverse) {
  __m256i v[4];
  for (int i = 0; i < 4; ++i) {
    v[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8 * i), inverse));
  }
  const __m256i packed =
      _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
  // Packing works in each half by itself; this brings the groups of four back into order.
  return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/// As in encode_scalar.cpp; n is a multiple of 32.
float quantize_block(const float* x, int n, std::int8_t* quants) {
  const std::uint32_t largest_bits = largest_magnitude(x, n);
  const auto largest = std::bit_cast<float>(largest_bits);
  if (largest_bits >= kInfinityBits || largest < kSmallestActivation) {
    std::memset(quants, 0, static_cast<std::size_t>(n));
    return largest_bits >= kInfinityBits ? std::bit_cast<float>(kNanBits) : 0.0F;
  }
  const __m256 inverse = _mm256_set1_ps(127.0F / largest);
  for (int i = 0; i < n; i += 32) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(quants + i), quantize_32(x + i, inverse));
  }
  return largest / 127.0F;
}

/// Sums of each four of 32 quants.
__m256i sums_of_four(const std::int8_t* quants) {
  const __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(quants));
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), v), _mm256_set1_epi16(1));
}

void encode_q8_small(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Small*>(out);
  for (int b = 0; b < n_columns / kSmallBlock; ++b) {
    ActivationQ8Small& block = blocks[b];
    block.scale = quantize_block(x + b * kSmallBlock, kSmallBlock, block.quants);
    const __m256i eight = sums_of_four(block.quants);
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
    block.sum = _mm_cvtsi128_si32(four);
  }
}

void encode_q8_super(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Super*>(out);
  for (int b = 0; b < n_columns / kSuperBlock; ++b) {
    ActivationQ8Super& block = blocks[b];
    block.scale = quantize_block(x + b * kSuperBlock, kSuperBlock, block.quants);
    for (int i = 0; i < kSuperBlock / 32; ++i) {
      __m256i sums = sums_of_four(block.quants + 32 * i);
      sums = _mm256_hadd_epi32(sums, sums);
      sums = _mm256_hadd_epi32(sums, sums);
      block.sums[2 * i] = static_cast<std::int16_t>(_mm256_extract_epi32(sums, 0));
      block.sums[2 * i + 1] = static_cast<std::int16_t>(_mm256_extract_epi32(sums, 4));
    }
  }
}

void encode_bf16(const float* x, int n_columns, std::byte* out) {
  int i = 0;
  for (; i + 8 <= n_columns; i += 8) {
    const __m256 v = _mm256_loadu_ps(x + i);
    const __m256i bits = _mm256_castps_si256(v);
    const __m256i upper = _mm256_srli_epi32(bits, 16);
    const __m256i odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
    const __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(bits, bias), 16);
    const __m256i quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    const __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    const __m256i result = _mm256_blendv_epi8(rounded, quiet, is_nan);
    const __m128i packed =
        _mm_packus_epi32(_mm256_castsi256_si128(result), _mm256_extracti128_si256(result, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + 2 * static_cast<std::ptrdiff_t>(i)), packed);
  }
  for (; i < n_columns; ++i) {
    const bf16 value = float_to_bf16(x[i]);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof(value), &value, sizeof(value));
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_encoders_avx2(KernelSet& set) {
  set.encoders[format_index(ActivationFormat::kBF16)] = encode_bf16;
  set.encoders[format_index(ActivationFormat::kQ8Small)] = encode_q8_small;
  set.encoders[format_index(ActivationFormat::kQ8Super)] = encode_q8_super;
}

}  // namespace jevons::kernels

#endif
