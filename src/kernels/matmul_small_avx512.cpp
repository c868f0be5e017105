// 32-element blocks on AVX-512. Quants are computed with as unsigned bytes, kOffset too large;
// what that adds is kOffset times the sum of the activations, and is taken away again.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/decode_avx512.h"
#include "kernels/matmul_kernels.h"
#include "kernels/panel_avx512.h"
#include "kernels/vectors_avx2.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

// quants(): one row's quants. columns(): four columns of 16 rows for each of the eight groups of
// four columns, from the block at `offset` of the rows.

/// Four columns of 16 rows at `offset`, for each of four neighbouring columns.
void load_columns(const std::byte* const* rows, std::size_t offset, __m512i* columns) {
  __m512i v[4];
  for (int r = 0; r < 4; ++r) v[r] = load_four_16(rows + r, 4, offset);
  transpose_dwords(v);
  for (int s = 0; s < 4; ++s) columns[s] = v[s];
}

/// The low nibbles of 16 bytes as columns 0..15, the high ones as 16..31.
void load_nibble_columns(const std::byte* const* rows, std::size_t offset, __m512i (&columns)[8]) {
  load_columns(rows, offset, columns);
  for (int s = 0; s < 4; ++s) {
    columns[4 + s] = byte_bits(columns[s], 4, 15);
    columns[s] = byte_bits(columns[s], 0, 15);
  }
}

/// Adds the fifth bit to 4 bits of 8 groups of columns.
void add_fifth_bits(const std::byte* const* rows, std::size_t offset, __m512i (&columns)[8]) {
  alignas(64) std::uint32_t words[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(&words[r], rows[r] + offset, sizeof(words[r]));
  const __m512i bits = _mm512_load_si512(words);
  for (int s = 0; s < 8; ++s) {
    // Four bits are spread to four bytes: bit i times 2^(7i + 4) is bit 4 of byte i.
    const __m512i four = _mm512_and_si512(_mm512_srli_epi32(bits, static_cast<unsigned>(4 * s)),
                                          _mm512_set1_epi32(15));
    const __m512i spread = _mm512_mullo_epi32(four, _mm512_set1_epi32(0x02040810));
    columns[s] = or_masked(columns[s], spread, 16);
  }
}

struct Q80 {
  using Block = BlockQ8_0;
  static constexpr int kOffset = 128;
  static __m256i quants(const Block& block) {
    return _mm256_xor_si256(load_32(block.quants), _mm256_set1_epi8(-128));
  }
  static void columns(const std::byte* const* rows, std::size_t offset, __m512i (&out)[8]) {
    load_columns(rows, offset + offsetof(Block, quants), out);
    load_columns(rows, offset + offsetof(Block, quants) + 16, out + 4);
    for (__m512i& column : out) column = _mm512_xor_si512(column, _mm512_set1_epi8(-128));
  }
};

template <typename B, int kOffsetOfFormat>
struct FourBits {
  using Block = B;
  static constexpr int kOffset = kOffsetOfFormat;
  static __m256i quants(const Block& block) { return nibbles_avx2(block.quants); }
  static void columns(const std::byte* const* rows, std::size_t offset, __m512i (&out)[8]) {
    load_nibble_columns(rows, offset + offsetof(Block, quants), out);
  }
};

template <typename B, int kOffsetOfFormat>
struct FiveBits {
  using Block = B;
  static constexpr int kOffset = kOffsetOfFormat;
  static __m256i quants(const Block& block) {
    return _mm256_or_si256(nibbles_avx2(block.quants), fifth_bits_avx2(block.high_bits));
  }
  static void columns(const std::byte* const* rows, std::size_t offset, __m512i (&out)[8]) {
    load_nibble_columns(rows, offset + offsetof(Block, quants), out);
    add_fifth_bits(rows, offset + offsetof(Block, high_bits), out);
  }
};

struct Iq4Nl {
  using Block = BlockIQ4_NL;
  static constexpr int kOffset = 128;
  static __m256i quants(const Block& block) {
    return _mm256_xor_si256(iq4_values_avx2(nibbles_avx2(block.quants)), _mm256_set1_epi8(-128));
  }
  static void columns(const std::byte* const* rows, std::size_t offset, __m512i (&out)[8]) {
    load_nibble_columns(rows, offset + offsetof(Block, quants), out);
    for (__m512i& column : out) column = iq4_values_plus_128(column);
  }
};

template <typename Format>
constexpr bool kHasMinimum = Format::kOffset == 0;

template <typename Format>
__m128 decode(const std::byte* const* rows, int n_blocks, const ActivationQ8Small* x) {
  using Block = typename Format::Block;
  __m128 sums = _mm_setzero_ps();
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = static_cast<std::size_t>(b) * sizeof(Block);
    if (b % 2 == 0) read_ahead<Block[2]>(rows, offset);
    const __m256i activations = load_32(x[b].quants);
    __m256i dots[4];
    JEVONS_UNROLL
    for (int r = 0; r < 4; ++r) {
      const auto& block = *reinterpret_cast<const Block*>(rows[r] + offset);
      dots[r] = _mm256_dpbusd_epi32(_mm256_setzero_si256(), Format::quants(block), activations);
    }
    const __m128i dot =
        _mm_sub_epi32(sum_lanes_of_four(dots), _mm_set1_epi32(Format::kOffset * x[b].sum));
    const __m128 x_scale = _mm_set1_ps(x[b].scale);
    const __m128 scale =
        _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, scale)), x_scale);
    sums = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(dot), sums);
    if constexpr (kHasMinimum<Format>) {
      const __m128 minimum =
          _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, minimum)), x_scale);
      sums = _mm_fmadd_ps(minimum, _mm_set1_ps(static_cast<float>(x[b].sum)), sums);
    }
  }
  return sums;
}

/// Halves at `offset` of 16 rows.
__m512 load_sixteen_halves(const std::byte* const* rows, std::size_t offset) {
  alignas(32) f16 halves[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(&halves[r], rows[r] + offset, sizeof(f16));
  return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(halves)));
}

template <typename Format>
void unpack_panel(const std::byte* const* rows, std::size_t offset, int n_blocks,
                  SmallPanel& panel) {
  using Block = typename Format::Block;
  for (int b = 0; b < n_blocks; ++b, offset += sizeof(Block)) {
    __m512i columns[8];
    Format::columns(rows, offset, columns);
    for (int s = 0; s < 8; ++s) _mm512_store_si512(panel.quants[8 * b + s], columns[s]);
    _mm512_store_ps(panel.scales[b], load_sixteen_halves(rows, offset + offsetof(Block, scale)));
    if constexpr (kHasMinimum<Format>) {
      _mm512_store_ps(panel.minimums[b],
                      load_sixteen_halves(rows, offset + offsetof(Block, minimum)));
    }
  }
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens < kFewestPanelTokens) {
    decode_rows<ActivationQ8Small, decode<Format>>(a, a.n_columns / kSmallBlock);
  } else {
    multiply_small_panels(a, kHasMinimum<Format> ? SmallKind::kMinimum : SmallKind::kOffset,
                          Format::kOffset, sizeof(typename Format::Block), unpack_panel<Format>);
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_small_blocks_avx512(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_0)] = matmul<FourBits<BlockQ4_0, 8>>;
  set.matmuls[format_index(WeightFormat::kQ4_1)] = matmul<FourBits<BlockQ4_1, 0>>;
  set.matmuls[format_index(WeightFormat::kQ5_0)] = matmul<FiveBits<BlockQ5_0, 16>>;
  set.matmuls[format_index(WeightFormat::kQ5_1)] = matmul<FiveBits<BlockQ5_1, 0>>;
  set.matmuls[format_index(WeightFormat::kQ8_0)] = matmul<Q80>;
  set.matmuls[format_index(WeightFormat::kIQ4_NL)] = matmul<Iq4Nl>;
}

}  // namespace jevons::kernels

#endif
