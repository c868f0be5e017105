// 256-element blocks for AVX2: four rows straight from memory for few tokens; for many, one block
// of four rows is unpacked to bytes and 16-bit scales and multiplied with every token.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "kernels/matmul_kernels.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kRows = kRowsAtOnceAvx2;
constexpr int kTokensAtOnce = 64;
constexpr int kParts = kSuperBlock / 32;
constexpr int kFewestPanelTokens = 12;  // fewer are multiplied without unpacking to memory

/// What a block's minimums are: absent, a multiple of the scales that makes up for quants stored
/// without their sign, or numbers of their own under their own float.
enum class Minimums { kNone, kOffset, kOwn };

/// One block of four rows.
struct Panel {
  alignas(32) std::uint8_t quants[kParts][kRows][32];
  alignas(32) std::int16_t scales[kParts][kRows][16];  // for each pair of quants
  alignas(32) std::int16_t minimums[kRows][16];
  alignas(16) float scale[kRows];
  alignas(16) float minimum[kRows];
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

JEVONS_FORCE_INLINE __m256i load_32(const void* bytes) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(bytes));
}

JEVONS_FORCE_INLINE __m128i load_16(const void* bytes) {
  return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

JEVONS_FORCE_INLINE __m256i low_bits(__m256i v, int shift, int mask) {
  return _mm256_and_si256(_mm256_srli_epi16(v, shift), _mm256_set1_epi8(static_cast<char>(mask)));
}

/// The bits of `mask` after shifting right by `shift`, moved left by `to`.
JEVONS_FORCE_INLINE __m256i move_bits(__m256i v, int shift, int mask, int to) {
  return _mm256_slli_epi16(low_bits(v, shift, mask), to);
}

// quants(): elements 32 * part.. of a block, unsigned ones with their offset.

struct Q4K {
  using Block = BlockQ4_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return low_bits(load_32(block.quants + part / 2 * 32), part % 2 * 4, 15);
  }
};

struct Q5K {
  using Block = BlockQ5_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    return six_bit_scales(block.scales);
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    const __m256i low = low_bits(load_32(block.quants + part / 2 * 32), part % 2 * 4, 15);
    return _mm256_or_si256(low, move_bits(load_32(block.high_bits), part, 1, 4));
  }
};

struct Q6K {
  using Block = BlockQ6_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
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
};

struct Q2K {
  using Block = BlockQ2_K;
  static constexpr Minimums kMinimums = Minimums::kOwn;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    const __m256i both = _mm256_cvtepu8_epi16(load_16(block.scales));
    return {_mm256_and_si256(both, _mm256_set1_epi16(15)), _mm256_srli_epi16(both, 4)};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return low_bits(load_32(block.quants + part / 4 * 32), part % 4 * 2, 3);
  }
};

struct Q3K {
  using Block = BlockQ3_K;
  static constexpr Minimums kMinimums = Minimums::kOffset;
  static constexpr bool kSigned = false;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    const __m256i scales = _mm256_cvtepi8_epi16(q3k_scales(block.scales));
    return {scales, _mm256_slli_epi16(scales, 2)};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    const __m256i low = low_bits(load_32(block.quants + part / 4 * 32), part % 4 * 2, 3);
    return _mm256_or_si256(low, move_bits(load_32(block.high_bits), part, 1, 2));
  }
};

struct Iq4Xs {
  using Block = BlockIQ4_XS;
  static constexpr Minimums kMinimums = Minimums::kNone;
  static constexpr bool kSigned = true;
  JEVONS_FORCE_INLINE static Scales scales(const Block& block) {
    std::uint32_t low;
    std::memcpy(&low, block.scales_low, sizeof(low));
    std::uint64_t bytes = 0;
    for (int i = 0; i < kParts; ++i) {
      const std::uint64_t scale = (low >> (4 * i) & 15U) | (block.scales_high >> (2 * i) & 3U) << 4;
      bytes |= scale << (8 * i);
    }
    return {_mm256_sub_epi16(widen_twice(bytes), _mm256_set1_epi16(32)), _mm256_setzero_si256()};
  }
  JEVONS_FORCE_INLINE static __m256i quants(const Block& block, int part) {
    return iq4_values_avx2(nibbles_avx2(block.quants + 16 * part));
  }
};

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

template <typename Format>
void unpack_block(const std::byte* const* rows, std::size_t offset, Panel& panel) {
  using Block = typename Format::Block;
  for (int r = 0; r < kRows; ++r) {
    const Block& block = block_at<Format>(rows[r], offset);
    const Scales scales = Format::scales(block);
    const ChosenScales chosen(scales.scales);
    JEVONS_UNROLL
    for (int part = 0; part < kParts; ++part) {
      _mm256_store_si256(reinterpret_cast<__m256i*>(panel.quants[part][r]),
                         Format::quants(block, part));
      _mm256_store_si256(reinterpret_cast<__m256i*>(panel.scales[part][r]), chosen.choose(part));
    }
    _mm256_store_si256(reinterpret_cast<__m256i*>(panel.minimums[r]), scales.minimums);
  }
  _mm_store_ps(panel.scale, load_four_halves(rows, offset + offsetof(Block, scale)));
  if constexpr (Format::kMinimums == Minimums::kOwn) {
    _mm_store_ps(panel.minimum, load_four_halves(rows, offset + offsetof(Block, minimum)));
  }
}

/// Adds up the integer sums of four rows and puts their floats to them. dots, minimums: lanes to
/// be added.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_sums(__m256i (&dots)[kRows], const __m256i (&minimums)[kRows],
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

/// Adds the panel's four rows times one token's block to `sums`.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_block(const Panel& panel, const ActivationQ8Super& x, __m128 sums) {
  __m256i dots[kRows];
  __m256i minimums[kRows];
  const __m256i x_sums = load_32(x.sums);
  for (int r = 0; r < kRows; ++r) {
    dots[r] = _mm256_setzero_si256();
    minimums[r] = _mm256_madd_epi16(load_32(panel.minimums[r]), x_sums);
  }
  for (int part = 0; part < kParts; ++part) {
    const __m256i activations = load_32(x.quants + 32 * part);
    for (int r = 0; r < kRows; ++r) {
      const __m256i pairs =
          multiply_pairs<Format::kSigned>(load_32(panel.quants[part][r]), activations);
      dots[r] = _mm256_add_epi32(dots[r], _mm256_madd_epi16(pairs, load_32(panel.scales[part][r])));
    }
  }
  return add_sums<Format>(dots, minimums, _mm_load_ps(panel.scale), _mm_load_ps(panel.minimum),
                          x.scale, sums);
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
    sums = add_sums<Format>(dots, minimums, load_four_halves(rows, offset + offsetof(Block, scale)),
                            minimum, x[b].scale, sums);
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

/// A group times up to 64 tokens, through panels.
template <typename Format>
void multiply_many(const MatmulArguments& a, const RowGroup& group, int first_token, int n_tokens) {
  alignas(16) float sums[kTokensAtOnce][kRows] = {};
  const std::size_t n_blocks = static_cast<std::size_t>(a.n_columns) / kSuperBlock;
  for (std::size_t b = 0; b < n_blocks; ++b) {
    Panel panel;
    unpack_block<Format>(group.rows, b * sizeof(typename Format::Block), panel);
    for (int t = 0; t < n_tokens; ++t) {
      const auto* x = reinterpret_cast<const ActivationQ8Super*>(a.x[first_token + t]) + b;
      _mm_store_ps(sums[t], add_block<Format>(panel, *x, _mm_load_ps(sums[t])));
    }
  }
  for (int t = 0; t < n_tokens; ++t) group.store(sums[t], a.y[first_token + t]);
}

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
  for (int row = 0; row < a.n_rows; row += kRows) {
    const RowGroup group(a, row);
    if (a.n_tokens < kFewestPanelTokens) {
      multiply_few<Format>(a, group);
      continue;
    }
    for (int t = 0; t < a.n_tokens; t += kTokensAtOnce) {
      multiply_many<Format>(a, group, t, std::min(kTokensAtOnce, a.n_tokens - t));
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_super_blocks_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = matmul<Q2K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = matmul<Q3K>;
  set.matmuls[format_index(WeightFormat::kQ4_K)] = matmul<Q4K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = matmul<Q5K>;
  set.matmuls[format_index(WeightFormat::kQ6_K)] = matmul<Q6K>;
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = matmul<Iq4Xs>;
}

}  // namespace jevons::kernels

#endif
