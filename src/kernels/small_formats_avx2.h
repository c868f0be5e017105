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

/// The fifth bits at `offset` of eight rows, in the place of 16, as eight columns.
inline void load_fifth_bits(const std::byte* const* rows, std::size_t offset,
                            __m256i (&columns)[8]) {
  alignas(32) std::uint8_t bits[8][32];
  const std::byte* of_row[8];
  for (int r = 0; r < 8; ++r) {
    const __m256i v = fifth_bits_avx2(reinterpret_cast<const std::uint8_t*>(rows[r] + offset));
    _mm256_store_si256(reinterpret_cast<__m256i*>(bits[r]), v);
    of_row[r] = reinterpret_cast<const std::byte*>(bits[r]);
  }
  __m256i four[4];
  for (int i = 0; i < 8; i += 4) {
    load_columns_avx2(of_row, static_cast<std::size_t>(4 * i), four);
    for (int k = 0; k < 4; ++k) columns[i + k] = four[k];
  }
}

// kSumsAtOnce: how many times two products of this format fit into 16 bits. quants(): the stored
// quants, which are kOffset too large; signed ones may be below zero. unpack(): the same for block
// `b` of the eight rows of a panel's half; rows: the first of the eight.

struct Q40 {
  using Block = BlockQ4_0;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 8;
  static constexpr int kOffset = 8;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    __m256i packed[4];
    load_columns_avx2(rows, offset + offsetof(Block, quants), packed);
    for (int i = 0; i < 4; ++i) {
      columns[i].store(half, _mm256_and_si256(packed[i], _mm256_set1_epi8(15)));
      columns[4 + i].store(half,
                           _mm256_and_si256(_mm256_srli_epi16(packed[i], 4), _mm256_set1_epi8(15)));
    }
  }
};

struct Q41 {
  using Block = BlockQ4_1;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 8;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    __m256i packed[4];
    load_columns_avx2(rows, offset + offsetof(Block, quants), packed);
    for (int i = 0; i < 4; ++i) {
      columns[i].store(half, _mm256_and_si256(packed[i], _mm256_set1_epi8(15)));
      columns[4 + i].store(half,
                           _mm256_and_si256(_mm256_srli_epi16(packed[i], 4), _mm256_set1_epi8(15)));
    }
  }
};

struct Q50 {
  using Block = BlockQ5_0;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 4;
  static constexpr int kOffset = 16;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    __m256i packed[4];
    load_columns_avx2(rows, offset + offsetof(Block, quants), packed);
    __m256i bits[8];
    load_fifth_bits(rows, offset + offsetof(Block, high_bits), bits);
    for (int i = 0; i < 4; ++i) {
      columns[i].store(half,
                       _mm256_or_si256(bits[i], _mm256_and_si256(packed[i], _mm256_set1_epi8(15))));
      columns[4 + i].store(
          half, _mm256_or_si256(bits[4 + i], _mm256_and_si256(_mm256_srli_epi16(packed[i], 4),
                                                              _mm256_set1_epi8(15))));
    }
  }
};

struct Q51 {
  using Block = BlockQ5_1;
  static constexpr bool kSigned = false;
  static constexpr int kSumsAtOnce = 4;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = true;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    __m256i packed[4];
    load_columns_avx2(rows, offset + offsetof(Block, quants), packed);
    __m256i bits[8];
    load_fifth_bits(rows, offset + offsetof(Block, high_bits), bits);
    for (int i = 0; i < 4; ++i) {
      columns[i].store(half,
                       _mm256_or_si256(bits[i], _mm256_and_si256(packed[i], _mm256_set1_epi8(15))));
      columns[4 + i].store(
          half, _mm256_or_si256(bits[4 + i], _mm256_and_si256(_mm256_srli_epi16(packed[i], 4),
                                                              _mm256_set1_epi8(15))));
    }
  }
};

struct Q80 {
  using Block = BlockQ8_0;
  static constexpr bool kSigned = true;
  static constexpr int kSumsAtOnce = 1;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.quants));
  }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    for (int i = 0; i < 8; i += 4) {
      __m256i quants[4];
      load_columns_avx2(rows, offset + offsetof(Block, quants) + 4 * i, quants);
      for (int k = 0; k < 4; ++k) columns[i + k].store(half, quants[k]);
    }
  }
};

struct Iq4Nl {
  using Block = BlockIQ4_NL;
  static constexpr bool kSigned = true;
  static constexpr int kSumsAtOnce = 1;
  static constexpr int kOffset = 0;
  static constexpr bool kHasMinimum = false;
  static __m256i quants(const Block& block) { return iq4_values_avx2(nibbles_avx2(block.quants)); }
  static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                     PanelColumn* columns) {
    __m256i packed[4];
    load_columns_avx2(rows, offset + offsetof(Block, quants), packed);
    for (int i = 0; i < 4; ++i) {
      columns[i].store(half, iq4_values_avx2(_mm256_and_si256(packed[i], _mm256_set1_epi8(15))));
      columns[4 + i].store(half, iq4_values_avx2(_mm256_and_si256(_mm256_srli_epi16(packed[i], 4),
                                                                  _mm256_set1_epi8(15))));
    }
  }
};

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
