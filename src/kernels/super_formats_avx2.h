// 256-element blocks on AVX2: how each format's numbers come out of a block, of one row for one
// token, and of eight rows for a panel. Internal to the *_avx2 files: everything here is compiled
// for that instruction set.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/block_formats.h"
#include "kernels/panel_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

inline constexpr int kParts = kSuperBlock / 32;

/// What a block's minimums are: absent, a multiple of the scales that makes up for quants stored
/// without their sign, or numbers of their own under their own float.
enum class Minimums { kNone, kOffset, kOwn };

/// One block of 16 rows. Quants are unsigned with their offset, but for signed formats.
struct SuperPanel {
  PanelColumn quants[kSuperBlock / 4];
  PanelColumn scales[kSuperBlock / 16];  // for each kPart elements, in 16 bits, twice
  /// For the sums of two neighbouring groups of kPart activations, in 16 bits: what to multiply by.
  PanelColumn minimums[kSuperBlock / 32];
  alignas(32) float scale[kPanelRows];
  alignas(32) float minimum[kPanelRows];

  /// Columns of part `part`, from its column 4 * quarter on.
  JEVONS_FORCE_INLINE PanelColumn& column(int part, int quarter, int i) {
    return quants[8 * part + 4 * quarter + i];
  }
};

/// A block's scales and minimums in 16 bits, one for each 16 elements.
struct Scales {
  __m256i scales;
  __m256i minimums;  // of the formats that have them
};

/// Eight bytes to sixteen 16-bit numbers, each twice.
JEVONS_FORCE_INLINE __m256i widen_twice(std::uint64_t bytes) {
  const __m128i v = _mm_cvtsi64_si128(static_cast<long long>(bytes));
  return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(v, v));
}

/// The eight scales and minimums of 6 bits of Q4_K and Q5_K.
JEVONS_FORCE_INLINE Scales six_bit_scales(const std::uint8_t* packed) {
  std::uint32_t a;
  std::uint32_t b;
  std::uint32_t c;
  std::memcpy(&a, packed, 4);
  std::memcpy(&b, packed + 4, 4);
  std::memcpy(&c, packed + 8, 4);
  const std::uint64_t high_scales = (c & 0x0F0F0F0FU) | (a >> 2 & 0x30303030U);
  const std::uint64_t high_minimums = (c >> 4 & 0x0F0F0F0FU) | (b >> 2 & 0x30303030U);
  return {widen_twice((a & 0x3F3F3F3FU) | high_scales << 32),
          widen_twice((b & 0x3F3F3F3FU) | high_minimums << 32)};
}

JEVONS_FORCE_INLINE __m128i load_4(const void* bytes) {
  std::int32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return _mm_cvtsi32_si128(value);
}

/// Sums of each 32 activations, in 16 bits.
JEVONS_FORCE_INLINE __m128i sums_of_32(const ActivationQ8Super& x) {
  const __m256i sums = _mm256_madd_epi16(load_32(x.sums), _mm256_set1_epi16(1));
  return _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
}

JEVONS_FORCE_INLINE __m256i low_bits(__m256i v, int shift, int mask) {
  return _mm256_and_si256(_mm256_srli_epi16(v, shift), _mm256_set1_epi8(static_cast<char>(mask)));
}

/// The bits of `mask` after shifting right by `shift`, moved left by `to`.
JEVONS_FORCE_INLINE __m256i move_bits(__m256i v, int shift, int mask, int to) {
  return _mm256_slli_epi16(low_bits(v, shift, mask), to);
}

// kPart: elements under one scale. kSumsAtOnce: how many times two products of this format fit into
// 16 bits. quants(): elements 32 * part.. of a block, unsigned ones with their offset. unpack():
// the same for the eight rows of a panel's half, all elements; rows: the first of the eight.

struct Q4K {
  using Block = BlockQ4_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr int kPart = 32;
  static constexpr int kSumsAtOnce = 8;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return low_bits(load_32(block.quants + part / 2 * 32), part % 2 * 4, 15);
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int chunk = 0; chunk < 8; ++chunk) {
      __m256i packed[4];
      load_columns(rows, offset + offsetof(Block, quants) + 16 * chunk, packed);
      const int part = chunk / 2 * 2;
      for (int i = 0; i < 4; ++i) {
        panel.column(part, chunk % 2, i).store(half, low_bits(packed[i], 0, 15));
        panel.column(part + 1, chunk % 2, i).store(half, low_bits(packed[i], 4, 15));
      }
    }
  }
};

struct Q5K {
  using Block = BlockQ5_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr int kPart = 32;
  static constexpr int kSumsAtOnce = 4;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    const __m256i low = low_bits(load_32(block.quants + part / 2 * 32), part % 2 * 4, 15);
    return _mm256_or_si256(low, move_bits(load_32(block.high_bits), part, 1, 4));
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int quarter = 0; quarter < 2; ++quarter) {
      __m256i high[4];
      load_columns(rows, offset + offsetof(Block, high_bits) + 16 * quarter, high);
      JEVONS_UNROLL
      for (int part = 0; part < kParts; part += 2) {
        __m256i packed[4];
        load_columns(rows, offset + offsetof(Block, quants) + 16 * part + 16 * quarter, packed);
        for (int i = 0; i < 4; ++i) {
          panel.column(part, quarter, i)
              .store(half,
                     _mm256_or_si256(low_bits(packed[i], 0, 15), move_bits(high[i], part, 1, 4)));
          panel.column(part + 1, quarter, i)
              .store(half, _mm256_or_si256(low_bits(packed[i], 4, 15),
                                           move_bits(high[i], part + 1, 1, 4)));
        }
      }
    }
  }
};

struct Q6K {
  using Block = BlockQ6_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
  static constexpr int kPart = 16;
  static constexpr int kSumsAtOnce = 2;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    const __m256i scales = _mm256_cvtepi8_epi16(load_16(block.scales));
    return {scales, _mm256_slli_epi16(scales, 5)};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    const __m256i packed = load_32(block.low_bits + part / 4 * 64 + part % 2 * 32);
    const __m256i high = load_32(block.high_bits + part / 4 * 32);
    return _mm256_or_si256(low_bits(packed, part % 4 / 2 * 4, 15),
                           move_bits(high, part % 4 * 2, 3, 4));
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      __m256i high[4];
      load_columns(rows, offset + offsetof(Block, high_bits) + 16 * quarter, high);
      JEVONS_UNROLL
      for (int j = 0; j < 2; ++j) {
        __m256i low[4];
        const int at = quarter / 2 * 64 + 32 * j + quarter % 2 * 16;
        load_columns(rows, offset + offsetof(Block, low_bits) + at, low);
        const int part = quarter / 2 * 4 + j;
        for (int i = 0; i < 4; ++i) {
          panel.column(part, quarter % 2, i)
              .store(half,
                     _mm256_or_si256(low_bits(low[i], 0, 15), move_bits(high[i], 2 * j, 3, 4)));
          panel.column(part + 2, quarter % 2, i)
              .store(half,
                     _mm256_or_si256(low_bits(low[i], 4, 15), move_bits(high[i], 2 * j + 4, 3, 4)));
        }
      }
    }
  }
};

struct Q2K {
  using Block = BlockQ2_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr int kPart = 16;
  static constexpr int kSumsAtOnce = 4;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    const __m256i both = _mm256_cvtepu8_epi16(load_16(block.scales));
    return {_mm256_and_si256(both, _mm256_set1_epi16(15)), _mm256_srli_epi16(both, 4)};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return low_bits(load_32(block.quants + part / 4 * 32), part % 4 * 2, 3);
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      __m256i packed[4];
      load_columns(rows, offset + offsetof(Block, quants) + 16 * quarter, packed);
      JEVONS_UNROLL
      for (int j = 0; j < 4; ++j) {
        for (int i = 0; i < 4; ++i) {
          panel.column(quarter / 2 * 4 + j, quarter % 2, i)
              .store(half, low_bits(packed[i], 2 * j, 3));
        }
      }
    }
  }
};

struct Q3K {
  using Block = BlockQ3_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
  static constexpr int kPart = 16;
  static constexpr int kSumsAtOnce = 4;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    const __m256i scales = _mm256_cvtepi8_epi16(q3k_scales(block.scales));
    return {scales, _mm256_slli_epi16(scales, 2)};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    const __m256i low = low_bits(load_32(block.quants + part / 4 * 32), part % 4 * 2, 3);
    return _mm256_or_si256(low, move_bits(load_32(block.high_bits), part, 1, 2));
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int quarter = 0; quarter < 4; ++quarter) {
      __m256i packed[4];
      __m256i high[4];
      load_columns(rows, offset + offsetof(Block, quants) + 16 * quarter, packed);
      load_columns(rows, offset + offsetof(Block, high_bits) + quarter % 2 * 16, high);
      for (__m256i& bits : high) bits = _mm256_srl_epi16(bits, _mm_cvtsi32_si128(quarter / 2 * 4));
      JEVONS_UNROLL
      for (int j = 0; j < 4; ++j) {
        for (int i = 0; i < 4; ++i) {
          panel.column(quarter / 2 * 4 + j, quarter % 2, i)
              .store(half,
                     _mm256_or_si256(low_bits(packed[i], 2 * j, 3), move_bits(high[i], j, 1, 2)));
        }
      }
    }
  }
};

struct Iq4Xs {
  using Block = BlockIQ4_XS;
  static constexpr Minimums kMinimums = Minimums::kNone;
  static constexpr int kPart = 32;
  static constexpr int kSumsAtOnce = 1;
  static constexpr bool kSigned = true;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    // Nibbles, and above them pairs of bits, which the factors move to the top of their lanes.
    const __m128i bytes = load_4(block.scales_low);
    const __m128i low =
        _mm_unpacklo_epi8(_mm_and_si128(bytes, _mm_set1_epi8(15)),
                          _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15)));
    const __m128i to_top =
        _mm_setr_epi16(1 << 14, 1 << 12, 1 << 10, 1 << 8, 1 << 6, 1 << 4, 1 << 2, 1);
    const __m128i pairs = _mm_set1_epi16(static_cast<short>(block.scales_high));
    const __m128i high = _mm_srli_epi16(_mm_mullo_epi16(pairs, to_top), 14);
    const __m128i scales = _mm_sub_epi16(
        _mm_or_si128(_mm_cvtepu8_epi16(low), _mm_slli_epi16(high, 4)), _mm_set1_epi16(32));
    return {
        _mm256_set_m128i(_mm_unpackhi_epi16(scales, scales), _mm_unpacklo_epi16(scales, scales)),
        _mm256_setzero_si256()};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return iq4_values_avx2(nibbles_avx2(block.quants + 16 * part));
  }
  JEVONS_FORCE_INLINE static void unpack(const std::byte* const* rows, std::size_t offset, int half,
                                         SuperPanel& panel) {
    for (int part = 0; part < kParts; ++part) {
      __m256i packed[4];
      load_columns(rows, offset + offsetof(Block, quants) + 16 * part, packed);
      for (int i = 0; i < 4; ++i) {
        panel.column(part, 0, i).store(half, iq4_values_avx2(low_bits(packed[i], 0, 15)));
        panel.column(part, 1, i).store(half, iq4_values_avx2(low_bits(packed[i], 4, 15)));
      }
    }
  }
};

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
