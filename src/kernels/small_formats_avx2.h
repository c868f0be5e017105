// 32-element blocks on AVX2: how each format's numbers come out of a block, of one row for one
// token, and of eight rows for a panel. Internal to the *_avx2 files: everything here is compiled
// for that instruction set.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernels/block_formats.h"
#include "kernels/panel_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

/// 32 bytes at `offset` of eight rows, as eight columns of four bytes.
inline void load_eight_columns(const std::byte* const* rows, std::size_t offset,
                               __m256i (&columns)[8]) {
  for (int i = 0; i < 8; i += 4) {
    __m256i four[4];
    load_columns(rows, offset + static_cast<std::size_t>(4 * i), four);
    for (int k = 0; k < 4; ++k) columns[i + k] = four[k];
  }
}

/// The fifth bits at `offset` of eight rows, in the place of 16, likewise.
inline void load_fifth_bits(const std::byte* const* rows, std::size_t offset,
                            __m256i (&columns)[8]) {
  alignas(32) std::byte bits[8][32];
  const std::byte* of_row[8];
  for (int r = 0; r < 8; ++r) {
    const __m256i v = fifth_bits_avx2(reinterpret_cast<const std::uint8_t*>(rows[r] + offset));
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits[r]), v);
    of_row[r] = bits[r];
  }
  load_eight_columns(of_row, 0, columns);
}

/// The nibbles at `offset` of eight rows, as eight columns: the low ones, then the high ones.
inline void load_nibbles(const std::byte* const* rows, std::size_t offset, __m256i (&columns)[8]) {
  __m256i packed[4];
  load_columns(rows, offset, packed);
  const __m256i nibble = _mm256_set1_epi8(15);
  for (int i = 0; i < 4; ++i) {
    columns[i] = _mm256_and_si256(packed[i], nibble);
    columns[4 + i] = _mm256_and_si256(_mm256_srli_epi16(packed[i], 4), nibble);
  }
}

// kSumsAtOnce: how many times two products of this format fit into 16 bits. quants(): the stored
// quants, which are kOffset too large; signed ones may be below zero. unpack(): the same for a
// block of eight rows, as columns.

template <typename B, int kOff, bool kMin>
struct Nibbles {
  using Block = B;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 8;
  static constexpr int kOffset = kOff;
  static constexpr bool kHasMinimum = kMin;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
  static void unpack(const std::byte* const* rows, std::size_t offset, __m256i (&columns)[8]) {
    load_nibbles(rows, offset + offsetof(Block, quants), columns);
  }
};
using Q40 = Nibbles<BlockQ4_0, 8, false>;
using Q41 = Nibbles<BlockQ4_1, 0, true>;

template <typename B, int kOff, bool kMin>
struct FiveBits {
  using Block = B;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 4;
  static constexpr int kOffset = kOff;
  static constexpr bool kHasMinimum = kMin;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
  static void unpack(const std::byte* const* rows, std::size_t offset, __m256i (&columns)[8]) {
    __m256i bits[8];
    load_nibbles(rows, offset + offsetof(Block, quants), columns);
    load_fifth_bits(rows, offset + offsetof(Block, high_bits), bits);
    for (int i = 0; i < 8; ++i) columns[i] = _mm256_or_si256(columns[i], bits[i]);
  }
};
using Q50 = FiveBits<BlockQ5_0, 16, false>;
using Q51 = FiveBits<BlockQ5_1, 0, true>;

struct Q80 {
  using Block = BlockQ8_0;
  static constexpr bool kSigned = true;
  static constexpr int kSumsAtOnce = 1;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.quants));
  }
  static void unpack(const std::byte* const* rows, std::size_t offset, __m256i (&columns)[8]) {
    load_eight_columns(rows, offset + offsetof(Block, quants), columns);
  }
};

struct Iq4Nl {
  using Block = BlockIQ4_NL;
  static constexpr bool kSigned = true;
  static constexpr int kSumsAtOnce = 1;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) { return iq4_values_avx2(nibbles_avx2(block.quants)); }
  static void unpack(const std::byte* const* rows, std::size_t offset, __m256i (&columns)[8]) {
    load_nibbles(rows, offset + offsetof(Block, quants), columns);
    for (__m256i& column : columns) column = iq4_values_avx2(column);
  }
};

/// Adds four rows' floats times the integer products of one block at `offset` to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_four_dots(const std::byte* const* rows, std::size_t offset,
                                         const ActivationQ8Small& x, __m128i dot, __m128 sums) {
  using Block = typename Format::Block;
  if constexpr (Format::kOffset != 0) {
    dot = _mm_sub_epi32(dot, _mm_set1_epi32(Format::kOffset * x.sum));
  }
  const __m128 x_scale = _mm_set1_ps(x.scale);
  const __m128 scale = load_four_halves(rows, offset + offsetof(Block, scale));
  sums = _mm_fmadd_ps(_mm_mul_ps(scale, x_scale), _mm_cvtepi32_ps(dot), sums);
  if constexpr (Format::kHasMinimum) {
    const __m128 minimum = load_four_halves(rows, offset + offsetof(Block, minimum));
    sums = _mm_fmadd_ps(_mm_mul_ps(minimum, x_scale), _mm_set1_ps(static_cast<float>(x.sum)), sums);
  }
  return sums;
}

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
