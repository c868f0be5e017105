// Small steps that several AVX2 files share. Internal to the *_avx2 files: everything here is
// compiled for that instruction set.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/block_formats.h"
#include "kernels/compiler_hints.h"
#include "kernels/isa.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {

inline constexpr int kRowsAtOnceAvx2 = 4;

JEVONS_FORCE_INLINE __m256i load_32(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

JEVONS_FORCE_INLINE __m128i load_16(const void* bytes) {
  return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

/// Sum of the lanes of four vectors, one in each lane of the result.
inline __m128i sum_lanes_of_four(const __m256i (&v)[4]) {
  const __m256i pairs =
      _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
  return _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
}

inline short load_half(const std::byte* bytes) {
  short half;
  std::memcpy(&half, bytes, sizeof(half));
  return half;
}

/// Four halves at `offset` of four rows, in the lower 64 bits.
inline __m128i gather_four_halves(const std::byte* const* rows, std::size_t offset) {
  __m128i v = _mm_cvtsi32_si128(static_cast<std::uint16_t>(load_half(rows[0] + offset)));
  v = _mm_insert_epi16(v, load_half(rows[1] + offset), 1);
  v = _mm_insert_epi16(v, load_half(rows[2] + offset), 2);
  return _mm_insert_epi16(v, load_half(rows[3] + offset), 3);
}

inline __m128 load_four_halves(const std::byte* const* rows, std::size_t offset) {
  return _mm_cvtph_ps(gather_four_halves(rows, offset));
}

/// 32 nibbles from 16 bytes: the low ones, then the high ones.
inline __m256i nibbles_avx2(const std::uint8_t* bytes) {
  const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
  const __m256i both = _mm256_set_m128i(_mm_srli_epi16(v, 4), v);
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

/// Byte i is 16 where bit i of the little-endian word is set, else 0.
inline __m256i fifth_bits_avx2(const std::uint8_t* word) {
  std::int32_t bits;
  std::memcpy(&bits, word, sizeof(bits));
  const __m256i byte_of_element = _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202,
                                                    0x0101010101010101, 0x0000000000000000);
  const __m256i bit_of_element = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(bits), byte_of_element);
  const __m256i is_set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_element), bit_of_element);
  return _mm256_and_si256(is_set, _mm256_set1_epi8(16));
}

/// kIq4Values[index], for 32 indices.
inline __m256i iq4_values_avx2(__m256i indices) {
  const __m256i table =
      _mm256_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
                       -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  return _mm256_shuffle_epi8(table, indices);
}

/// The sixteen signed scales of Q3_K: the low four bits in eight bytes, the high two in four more.
inline __m128i q3k_scales(const std::uint8_t* packed) {
  std::uint64_t low;
  std::uint64_t high;
  std::memcpy(&low, packed, 8);
  std::memcpy(&high, packed + 4, 8);  // the last four bytes are its upper half
  high >>= 32;
  constexpr std::uint64_t kTwoBits = 0x03030303;
  const std::uint64_t high_first = (high & kTwoBits) | (high >> 2 & kTwoBits) << 32;
  const std::uint64_t high_second = (high >> 4 & kTwoBits) | (high >> 6 & kTwoBits) << 32;
  const std::uint64_t first = (low & 0x0F0F0F0F0F0F0F0FU) | high_first << 4;
  const std::uint64_t second = (low >> 4 & 0x0F0F0F0F0F0F0F0FU) | high_second << 4;
  const __m128i scales =
      _mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first));
  return _mm_sub_epi8(scales, _mm_set1_epi8(32));
}

/// Makes the compiler add up in the order that is written. Left to itself it makes trees of long
/// sums, for which there are not enough registers.
JEVONS_FORCE_INLINE void keep_order(__m256i& v) {
  asm("" : "+x"(v));  // NOLINT(hicpp-no-assembler): no instruction
}

/// Sums of pairs of products, in 16 bits. Activations are never -128, so |w * x| <= 128 * 127 and
/// a pair cannot saturate: unsigned weights are at most 127 here, signed ones go through |w|.
template <bool kSigned>
inline __m256i multiply_pairs(__m256i weights, __m256i activations) {
  if constexpr (kSigned) {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(weights), _mm256_sign_epi8(activations, weights));
  } else {
    return _mm256_maddubs_epi16(weights, activations);
  }
}

inline void prefetch_bytes_avx2(const std::byte* from, std::size_t n_bytes) {
  for (std::size_t i = 0; i < n_bytes; i += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(from + i), _MM_HINT_T0);
  }
}

/// How far behind the four rows being computed memory is read ahead. Rows lie one after another
/// and are consumed together, so what comes next begins behind the last of the four.
inline constexpr std::size_t kPrefetchLeadBytes = 5 << 10;

}  // namespace jevons::kernels
JEVONS_TARGET_END
