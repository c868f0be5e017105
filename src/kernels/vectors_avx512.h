// Small steps that several AVX-512 files share. Internal to the *_avx512 files: everything here is
// compiled for that instruction set.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "kernels/block_formats.h"
#include "kernels/isa.h"
#include "kernels/vectors_avx2.h"

#define JEVONS_AVX512 "avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {

inline __m512i load_64(const void* bytes) { return _mm512_loadu_si512(bytes); }

inline __m256i load_32(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

inline __m128i load_16(const void* bytes) {
  return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

/// The same 32 bytes in both halves.
inline __m512i load_32_twice(const void* bytes) { return _mm512_broadcast_i64x4(load_32(bytes)); }

/// 32 bytes from `low` and 32 from `high`.
inline __m512i load_two_32(const void* low, const void* high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(load_32(low)), load_32(high), 1);
}

/// 16-bit numbers: `lower` 16 times, then `upper` 16 times.
inline __m512i set_two_halves(int lower, int upper) {
  return _mm512_inserti64x4(_mm512_set1_epi16(static_cast<short>(lower)),
                            _mm256_set1_epi16(static_cast<short>(upper)), 1);
}

/// 16 bytes at `offset` of rows 0, step, 2 * step and 3 * step.
inline __m512i load_four_16(const std::byte* const* rows, int step, std::size_t offset) {
  __m512i v = _mm512_castsi128_si512(load_16(rows[0] + offset));
  v = _mm512_mask_broadcast_i32x4(v, 0x00F0, load_16(rows[step] + offset));
  v = _mm512_mask_broadcast_i32x4(v, 0x0F00, load_16(rows[2 * step] + offset));
  return _mm512_mask_broadcast_i32x4(v, 0xF000, load_16(rows[3 * step] + offset));
}

/// In each group of four dwords by itself: dword i of vector j becomes dword j of vector i.
inline void transpose_dwords(__m512i (&v)[4]) {
  const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]);
  const __m512i b = _mm512_unpackhi_epi32(v[0], v[1]);
  const __m512i c = _mm512_unpacklo_epi32(v[2], v[3]);
  const __m512i d = _mm512_unpackhi_epi32(v[2], v[3]);
  v[0] = _mm512_unpacklo_epi64(a, c);
  v[1] = _mm512_unpackhi_epi64(a, c);
  v[2] = _mm512_unpacklo_epi64(b, d);
  v[3] = _mm512_unpackhi_epi64(b, d);
}

/// In each group of four dwords: the sum of the group of v[i] in dword i.
inline __m512i sum_groups_of_four(const __m512i (&v)[4]) {
  const __m512i a =
      _mm512_add_epi32(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
  const __m512i b =
      _mm512_add_epi32(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/// Sum of the lanes of four vectors, one in each lane of the result.
inline __m128i sum_lanes_of_four(const __m512i (&v)[4]) {
  const __m512i groups = sum_groups_of_four(v);
  const __m256i half =
      _mm256_add_epi32(_mm512_castsi512_si256(groups), _mm512_extracti64x4_epi64(groups, 1));
  return _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

/// The first dword of each group of four.
inline __m128i first_of_each_four(__m512i v) {
  const __m512i index = _mm512_setr_epi32(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  return _mm512_castsi512_si128(_mm512_permutexvar_epi32(index, v));
}

/// (v >> shift) & mask in each byte.
inline __m512i byte_bits(__m512i v, unsigned shift, int mask) {
  return _mm512_and_si512(_mm512_srli_epi16(v, shift), _mm512_set1_epi8(static_cast<char>(mask)));
}

/// low | (v & mask)
inline __m512i or_masked(__m512i low, __m512i v, int mask) {
  return _mm512_ternarylogic_epi64(low, v, _mm512_set1_epi8(static_cast<char>(mask)), 0xF8);
}

/// kIq4Values[index] + 128, for 64 indices.
inline __m512i iq4_values_plus_128(__m512i indices) {
  const __m128i table =
      _mm_setr_epi8(1, 24, 45, 63, 79, 93, 106, 118, -127, -115, -103, -90, -75, -59, -39, -15);
  return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), indices);
}

inline __m512i broadcast_dword(const void* bytes) {
  std::int32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return _mm512_set1_epi32(value);
}

/// Reads the cache lines of a stretch of memory ahead, which need not exist.
inline void prefetch_bytes(const std::byte* from, std::size_t n_bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  for (std::size_t i = 0; i < n_bytes; i += 64) {
    _mm_prefetch(reinterpret_cast<const char*>(address + i), _MM_HINT_T0);
  }
}

/// The scales and minimums of Q4_K and Q5_K from the first 16 bytes of four blocks. Each group of
/// 16 bytes becomes the eight scales and the eight minimums of its block.
inline __m512i unpack_six_bit_scales(__m512i headers) {
  // Dwords of a header: [scale and minimum, a, b, c]. Wanted: the low six bits of a, c's low
  // nibbles, the low six bits of b, c's high nibbles; then two bits from the tops of a and b.
  const __m512i acbc = _mm512_shuffle_epi32(headers, _MM_PERM_DCDB);
  const __m512i aabb = _mm512_shuffle_epi32(headers, _MM_PERM_CCBB);
  const __m512i shift = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0, 0, 4));
  const __m512i low_mask =
      _mm512_broadcast_i32x4(_mm_setr_epi32(0x3F3F3F3F, 0x0F0F0F0F, 0x3F3F3F3F, 0x0F0F0F0F));
  const __m512i high_mask = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x30303030, 0, 0x30303030));
  const __m512i low = _mm512_and_si512(_mm512_srlv_epi32(acbc, shift), low_mask);
  return _mm512_ternarylogic_epi64(low, _mm512_srli_epi32(aabb, 2), high_mask, 0xF8);
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
