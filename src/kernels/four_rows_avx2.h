// Scales and minimums of 256-element blocks of four rows, straight from memory. Internal to the
// AVX2 and AVX-VNNI files.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <type_traits>

#include "kernels/super_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

template <typename Format>
JEVONS_FORCE_INLINE const typename Format::Block& block_at(const std::byte* row,
                                                           std::size_t offset) {
  return *reinterpret_cast<const typename Format::Block*>(row + offset);
}

/// Scales and minimums of one block of four rows: here row by row, as they come.
template <typename Format>
class FourRows {
 public:
  using Block = typename Format::Block;
  JEVONS_FORCE_INLINE FourRows(const std::byte* const* rows, std::size_t offset)
      : rows_(rows), offset_(offset) {}

  /// The scales of a row in two vectors, from which choose() takes those of 32 elements.
  class Row {
   public:
    JEVONS_FORCE_INLINE explicit Row(__m256i scales)
        : low_(_mm256_permute4x64_epi64(scales, 0x44)),
          high_(_mm256_permute4x64_epi64(scales, 0xEE)) {}
    /// Scale 2 * part eight times, then scale 2 * part + 1 eight times.
    [[nodiscard]] JEVONS_FORCE_INLINE __m256i choose(int part) const {
      const int first = part % 4 * 4;
      const __m256i index =
          _mm256_set_m128i(_mm_set1_epi16(static_cast<short>((first + 2) | (first + 3) << 8)),
                           _mm_set1_epi16(static_cast<short>(first | (first + 1) << 8)));
      return _mm256_shuffle_epi8(part < 4 ? low_ : high_, index);
    }

   private:
    __m256i low_, high_;
  };
  JEVONS_FORCE_INLINE Row row(int r, const ActivationQ8Super& x) {
    const Scales scales = Format::scales(block_at<Format>(rows_[r], offset_));
    minimums_[r] = _mm256_madd_epi16(scales.minimums, load_32(x.sums));
    return Row(scales.scales);
  }

  /// Of the minimums times the activations' sums; after all four row() calls.
  [[nodiscard]] JEVONS_FORCE_INLINE __m128i minimum_sums(const ActivationQ8Super&) const {
    return sum_lanes_of_four(minimums_);
  }
  [[nodiscard]] JEVONS_FORCE_INLINE __m128 scales() const {
    return load_four_halves(rows_, offset_ + offsetof(Block, scale));
  }
  [[nodiscard]] JEVONS_FORCE_INLINE __m128 minimums() const {
    return load_four_halves(rows_, offset_ + offsetof(Block, minimum));
  }

 private:
  const std::byte* const* rows_;
  std::size_t offset_;
  __m256i minimums_[kRowsAtOnceAvx2];
};

/// The same for the 6-bit scales of Q4_K and Q5_K: the 16 bytes that hold them and the floats are
/// transposed, and the numbers of all four rows come out together.
template <typename Block>
class FourSixBitRows {
  static_assert(offsetof(Block, scale) == 0 && offsetof(Block, minimum) == 2 &&
                offsetof(Block, scales) == 4);

 public:
  JEVONS_FORCE_INLINE FourSixBitRows(const std::byte* const* rows, std::size_t offset) {
    const __m128i low_01 = _mm_unpacklo_epi32(load_16(rows[0] + offset), load_16(rows[1] + offset));
    const __m128i high_01 =
        _mm_unpackhi_epi32(load_16(rows[0] + offset), load_16(rows[1] + offset));
    const __m128i low_23 = _mm_unpacklo_epi32(load_16(rows[2] + offset), load_16(rows[3] + offset));
    const __m128i high_23 =
        _mm_unpackhi_epi32(load_16(rows[2] + offset), load_16(rows[3] + offset));
    floats_ = _mm_unpacklo_epi64(low_01, low_23);
    const __m128i a = _mm_unpackhi_epi64(low_01, low_23);
    const __m128i b = _mm_unpacklo_epi64(high_01, high_23);
    const __m128i c = _mm_unpackhi_epi64(high_01, high_23);
    const __m128i six_bits = _mm_set1_epi8(0x3F);
    const __m128i four_bits = _mm_set1_epi8(0x0F);
    const __m128i upper_two = _mm_set1_epi8(0x30);
    const __m128i first_scales = _mm_and_si128(a, six_bits);
    const __m128i first_minimums = _mm_and_si128(b, six_bits);
    const __m128i last_scales =
        _mm_or_si128(_mm_and_si128(c, four_bits), _mm_and_si128(_mm_srli_epi16(a, 2), upper_two));
    const __m128i last_minimums = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(c, 4), four_bits),
                                               _mm_and_si128(_mm_srli_epi16(b, 2), upper_two));
    scales_[0] = twice(_mm_unpacklo_epi32(first_scales, last_scales));
    scales_[1] = twice(_mm_unpackhi_epi32(first_scales, last_scales));
    minimums_[0] = _mm_unpacklo_epi32(first_minimums, last_minimums);
    minimums_[1] = _mm_unpackhi_epi32(first_minimums, last_minimums);
  }

  /// Scales of two rows, eight bytes each, in both lanes.
  class Row {
   public:
    JEVONS_FORCE_INLINE Row(__m256i scales, int first) : scales_(scales), first_(first) {}
    [[nodiscard]] JEVONS_FORCE_INLINE __m256i choose(int part) const {
      constexpr int kZeroAbove = 0x8000;
      const auto index = static_cast<short>(kZeroAbove | (first_ + part));
      return _mm256_shuffle_epi8(scales_, _mm256_set1_epi16(index));
    }

   private:
    __m256i scales_;
    int first_;
  };
  [[nodiscard]] JEVONS_FORCE_INLINE Row row(int r, const ActivationQ8Super&) const {
    return Row(scales_[r / 2], r % 2 * 8);
  }

  [[nodiscard]] JEVONS_FORCE_INLINE __m128i minimum_sums(const ActivationQ8Super& x) const {
    const __m256i both = twice(sums_of_32(x));
    const __m256i rows_01 = _mm256_madd_epi16(_mm256_cvtepu8_epi16(minimums_[0]), both);
    const __m256i rows_23 = _mm256_madd_epi16(_mm256_cvtepu8_epi16(minimums_[1]), both);
    const __m256i pairs = _mm256_hadd_epi32(rows_01, rows_23);  // 0, 0, 2, 2 and 1, 1, 3, 3
    const __m128i totals =
        _mm_hadd_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
    return _mm_shuffle_epi32(totals, _MM_SHUFFLE(3, 1, 2, 0));
  }
  [[nodiscard]] JEVONS_FORCE_INLINE __m128 scales() const {
    const __m128i lower = _mm_shuffle_epi8(
        floats_, _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1));
    return _mm_cvtph_ps(lower);
  }
  [[nodiscard]] JEVONS_FORCE_INLINE __m128 minimums() const {
    const __m128i upper = _mm_shuffle_epi8(
        floats_, _mm_setr_epi8(2, 3, 6, 7, 10, 11, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1));
    return _mm_cvtph_ps(upper);
  }

 private:
  JEVONS_FORCE_INLINE static __m256i twice(__m128i v) { return _mm256_set_m128i(v, v); }

  __m128i floats_;
  __m256i scales_[2];    // of rows 0 and 1, of rows 2 and 3
  __m128i minimums_[2];  // likewise
};

template <typename Format>
using FourRowsOf = std::conditional_t<std::is_same_v<Format, Q4K> || std::is_same_v<Format, Q5K>,
                                      FourSixBitRows<typename Format::Block>, FourRows<Format>>;

/// Adds four rows' floats times the integer products of their block to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_four_dots(const FourRowsOf<Format>& four, const ActivationQ8Super& x,
                                         const __m256i (&dots)[kRowsAtOnceAvx2], __m128 sums) {
  __m128i dot = sum_lanes_of_four(dots);
  const __m128 x_scale = _mm_set1_ps(x.scale);
  if constexpr (Format::kMinimums == Minimums::kOffset) {
    dot = _mm_sub_epi32(dot, four.minimum_sums(x));
  }
  sums = _mm_fmadd_ps(_mm_mul_ps(four.scales(), x_scale), _mm_cvtepi32_ps(dot), sums);
  if constexpr (Format::kMinimums == Minimums::kOwn) {
    sums = _mm_fnmadd_ps(_mm_mul_ps(four.minimums(), x_scale),
                         _mm_cvtepi32_ps(four.minimum_sums(x)), sums);
  }
  return sums;
}

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
