// 256-element blocks for AVX2: four rows straight from memory for one token, panels for many.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/matmul_kernels.h"
#include "kernels/panel_super_avx2.h"
#include "kernels/super_formats_avx2.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {
namespace {

constexpr int kFewestPanelTokens = 2;  // fewer are multiplied without unpacking to memory
constexpr int kRows = kRowsAtOnceAvx2;

/// The scales of a block in two vectors, from which choose() takes those of 32 elements.
class ChosenScales {
 public:
  JEVONS_FORCE_INLINE explicit ChosenScales(__m256i scales)
      : low_(_mm256_permute4x64_epi64(scales, 0x44)),
        high_(_mm256_permute4x64_epi64(scales, 0xEE)) {}
  /// Scale 2 * part eight times, then scale 2 * part + 1 eight times.
  JEVONS_FORCE_INLINE __m256i choose(int part) const {
    const int first = part % 4 * 4;
    const __m256i index =
        _mm256_set_m128i(_mm_set1_epi16(static_cast<short>((first + 2) | (first + 3) << 8)),
                         _mm_set1_epi16(static_cast<short>(first | (first + 1) << 8)));
    return _mm256_shuffle_epi8(part < 4 ? low_ : high_, index);
  }

 private:
  __m256i low_, high_;
};

template <typename Format>
const typename Format::Block& block_at(const std::byte* row, std::size_t offset) {
  return *reinterpret_cast<const typename Format::Block*>(row + offset);
}

/// Adds up the integer sums of four rows and puts their floats to them. dots, minimums: lanes to
/// be added.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_four_sums(__m256i (&dots)[kRows], const __m256i (&minimums)[kRows],
                                         __m128 scale, __m128 minimum, float x_scale, __m128 sums) {
  if constexpr (Format::kMinimums == Minimums::kOffset) {
    for (int r = 0; r < kRows; ++r) dots[r] = _mm256_sub_epi32(dots[r], minimums[r]);
  }
  const __m128 x_scales = _mm_set1_ps(x_scale);
  sums = _mm_fmadd_ps(_mm_mul_ps(scale, x_scales), _mm_cvtepi32_ps(sum_lanes_of_four(dots)), sums);
  if constexpr (Format::kMinimums == Minimums::kOwn) {
    sums = _mm_fnmadd_ps(_mm_mul_ps(minimum, x_scales),
                         _mm_cvtepi32_ps(sum_lanes_of_four(minimums)), sums);
  }
  return sums;
}

/// Four rows times one token, straight from memory.
template <typename Format>
__m128 decode(const std::byte* const* rows, std::size_t n_blocks, const ActivationQ8Super* x) {
  using Block = typename Format::Block;
  __m128 sums = _mm_setzero_ps();
  for (std::size_t b = 0; b < n_blocks; ++b) {
    const std::size_t offset = b * sizeof(Block);
    prefetch_bytes_avx2(rows[kRows - 1] + kPrefetchLeadBytes + kRows * offset,
                        kRows * sizeof(Block));
    __m256i dots[kRows];
    __m256i minimums[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const Block& block = block_at<Format>(rows[r], offset);
      const Scales scales = Format::scales(block);
      const ChosenScales chosen(scales.scales);
      dots[r] = _mm256_setzero_si256();
      minimums[r] = _mm256_madd_epi16(scales.minimums, load_32(x[b].sums));
      JEVONS_UNROLL
      for (int part = 0; part < kParts; ++part) {
        const __m256i pairs = multiply_pairs<Format::kSigned>(Format::quants(block, part),
                                                              load_32(x[b].quants + 32 * part));
        dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs, chosen.choose(part)));
      }
    }
    __m128 minimum = _mm_setzero_ps();
    if constexpr (Format::kMinimums == Minimums::kOwn) {
      minimum = load_four_halves(rows, offset + offsetof(Block, minimum));
    }
    sums = add_four_sums<Format>(dots, minimums,
                                 load_four_halves(rows, offset + offsetof(Block, scale)), minimum,
                                 x[b].scale, sums);
  }
  return sums;
}

/// Four rows (the last one more than once where fewer are left).
struct RowGroup {
  const std::byte* rows[kRows];
  int first_row, n_rows;

  RowGroup(const MatmulArguments& a, int row)
      : first_row(row), n_rows(std::min(kRows, a.n_rows - row)) {
    for (int r = 0; r < kRows; ++r) {
      rows[r] = a.weights + a.row_bytes * static_cast<std::size_t>(row + std::min(r, n_rows - 1));
    }
  }
  void store(const float* sums, float* y) const {
    std::memcpy(y + first_row, sums, static_cast<std::size_t>(n_rows) * sizeof(float));
  }
};

template <typename Format>
void multiply_few(const MatmulArguments& a, const RowGroup& group) {
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  for (int t = 0; t < a.n_tokens; ++t) {
    alignas(16) float sums[kRows];
    const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[t]);
    _mm_store_ps(sums, decode<Format>(group.rows, n_blocks, x));
    group.store(sums, a.y[t]);
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens >= kFewestPanelTokens) return multiply_panels<Format>(a);
  for (int row = 0; row < a.n_rows; row += kRows) multiply_few<Format>(a, RowGroup(a, row));
}

}  // namespace
}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_super_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = avx2::matmul<avx2::Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = avx2::matmul<avx2::Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = avx2::matmul<avx2::Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = avx2::matmul<avx2::Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = avx2::matmul<avx2::Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = avx2::matmul<avx2::Iq4Xs>;
}

}  // namespace jevons::kernels

#endif
