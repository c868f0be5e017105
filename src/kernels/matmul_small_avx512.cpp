// 32-element blocks on AVX-512. Quants are computed with as unsigned bytes, kOffset too large;
// what that adds is kOffset times the sum of the activations, and is taken away again.
#if defined(__x86_64__)

#include <immintrin.h>

#include <bit>

#include "kernels/decode_avx512.h"
#include "kernels/matmul_kernels.h"
#include "kernels/panel_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

// quants(), two_quants(): quants of one row's block, or of two neighbours. columns(): four columns
// of 16 rows for each of the eight groups of four columns, from the block at `offset` of the rows.

/// The low nibbles and the high nibbles of 16 bytes, then those of 16 other bytes.
__m512i two_nibble_runs(const void* first, const void* second) {
  const __m512i v =
      _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_broadcastsi128_si256(load_16(first))),
                         _mm256_broadcastsi128_si256(load_16(second)), 1);
  const __m512i shifts = _mm512_set_epi64(4, 4, 0, 0, 4, 4, 0, 0);
  return _mm512_and_si512(_mm512_srlv_epi64(v, shifts), _mm512_set1_epi8(15));
}

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
  static __m512i two_quants(const Block* blocks) {
    return _mm512_xor_si512(load_two_32(blocks[0].quants, blocks[1].quants),
                            _mm512_set1_epi8(-128));
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
  static __m512i two_quants(const Block* blocks) {
    return two_nibble_runs(blocks[0].quants, blocks[1].quants);
  }
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
  static __m512i two_quants(const Block* blocks) {
    std::uint64_t bits[2] = {0, 0};
    std::memcpy(&bits[0], blocks[0].high_bits, 4);
    std::memcpy(&bits[1], blocks[1].high_bits, 4);
    const __m512i low = two_nibble_runs(blocks[0].quants, blocks[1].quants);
    const __mmask64 is_set = bits[0] | bits[1] << 32;
    return _mm512_mask_add_epi8(low, is_set, low, _mm512_set1_epi8(16));
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
  static __m512i two_quants(const Block* blocks) {
    return iq4_values_plus_128(two_nibble_runs(blocks[0].quants, blocks[1].quants));
  }
  static void columns(const std::byte* const* rows, std::size_t offset, __m512i (&out)[8]) {
    load_nibble_columns(rows, offset + offsetof(Block, quants), out);
    for (__m512i& column : out) column = iq4_values_plus_128(column);
  }
};

template <typename Format>
constexpr bool kHasMinimum = Format::kOffset == 0;

/// Four rows times one block.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_block(const std::byte* const* rows, std::size_t offset,
                                     const ActivationQ8Small& x, __m128 sums) {
  using Block = typename Format::Block;
  const __m256i activations = load_32(x.quants);
  __m256i dots[4];
  JEVONS_UNROLL
  for (int r = 0; r < 4; ++r) {
    const __m256i quants = Format::quants(*reinterpret_cast<const Block*>(rows[r] + offset));
    dots[r] = _mm256_dpbusd_epi32(_mm256_setzero_si256(), quants, activations);
  }
  const __m128i dot =
      _mm_sub_epi32(sum_lanes_of_four(dots), _mm_set1_epi32(Format::kOffset * x.sum));
  const __m128 x_scale = _mm_set1_ps(x.scale);
  const __m128 scale = _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, scale)), x_scale);
  sums = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(dot), sums);
  if constexpr (kHasMinimum<Format>) {
    const __m128 minimum =
        _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, minimum)), x_scale);
    sums = _mm_fmadd_ps(minimum, _mm_set1_ps(static_cast<float>(x.sum)), sums);
  }
  return sums;
}

/// Halves at `offset` of four neighbouring blocks of four rows: row r of block b in lane 4b + r.
template <typename Block>
JEVONS_FORCE_INLINE __m512 load_sixteen_halves(const std::byte* const* rows, std::size_t offset) {
  __m128i v[4];
  JEVONS_UNROLL
  for (std::size_t b = 0; b < 4; ++b) v[b] = gather_four_halves(rows, offset + b * sizeof(Block));
  return _mm512_cvtph_ps(
      _mm256_set_m128i(_mm_unpacklo_epi64(v[2], v[3]), _mm_unpacklo_epi64(v[0], v[1])));
}

/// Four rows times four blocks: products of two blocks in one vector.
template <typename Format>
JEVONS_FORCE_INLINE __m128 add_four_blocks(const std::byte* const* rows, std::size_t offset,
                                           const ActivationQ8Small* x, __m128 sums) {
  using Block = typename Format::Block;
  __m512i groups[2];  // of row r in dword r of each group of four dwords, two groups to a block
  JEVONS_UNROLL
  for (int pair = 0; pair < 2; ++pair) {
    const __m512i activations = load_two_32(x[2 * pair].quants, x[2 * pair + 1].quants);
    __m512i dots[4];
    JEVONS_UNROLL
    for (int r = 0; r < 4; ++r) {
      const auto* blocks = reinterpret_cast<const Block*>(rows[r] + offset) + 2 * pair;
      dots[r] =
          _mm512_dpbusd_epi32(_mm512_setzero_si512(), Format::two_quants(blocks), activations);
    }
    groups[pair] = sum_groups_of_four(dots);
  }
  __m512i dot = _mm512_add_epi32(_mm512_shuffle_i32x4(groups[0], groups[1], 0x88),
                                 _mm512_shuffle_i32x4(groups[0], groups[1], 0xDD));
  // The first 16 bytes of an activation block begin with its scale and sum.
  const std::byte* const x_rows[4] = {
      reinterpret_cast<const std::byte*>(x), reinterpret_cast<const std::byte*>(x + 1),
      reinterpret_cast<const std::byte*>(x + 2), reinterpret_cast<const std::byte*>(x + 3)};
  const __m512i x_heads = load_four_16(x_rows, 1, 0);
  const __m512 x_scales = _mm512_castsi512_ps(_mm512_shuffle_epi32(x_heads, _MM_PERM_AAAA));
  const __m512i x_sums = _mm512_shuffle_epi32(x_heads, _MM_PERM_BBBB);
  if constexpr (Format::kOffset != 0) {
    constexpr unsigned kLog2Offset = std::countr_zero(static_cast<unsigned>(Format::kOffset));
    dot = _mm512_sub_epi32(dot, _mm512_slli_epi32(x_sums, kLog2Offset));
  }
  const __m512 scales =
      _mm512_mul_ps(load_sixteen_halves<Block>(rows, offset + offsetof(Block, scale)), x_scales);
  const __m512 products = _mm512_cvtepi32_ps(dot);
  __m512 minimums = _mm512_setzero_ps();
  if constexpr (kHasMinimum<Format>) {
    minimums = _mm512_mul_ps(load_sixteen_halves<Block>(rows, offset + offsetof(Block, minimum)),
                             x_scales);
  }
  const auto add = [&](__m128 scale, __m128 product, __m128 minimum, int b) {
    sums = _mm_fmadd_ps(scale, product, sums);
    if constexpr (kHasMinimum<Format>) {
      sums = _mm_fmadd_ps(minimum, _mm_set1_ps(static_cast<float>(x[b].sum)), sums);
    }
  };
  add(_mm512_castps512_ps128(scales), _mm512_castps512_ps128(products),
      _mm512_castps512_ps128(minimums), 0);
  add(_mm512_extractf32x4_ps(scales, 1), _mm512_extractf32x4_ps(products, 1),
      _mm512_extractf32x4_ps(minimums, 1), 1);
  add(_mm512_extractf32x4_ps(scales, 2), _mm512_extractf32x4_ps(products, 2),
      _mm512_extractf32x4_ps(minimums, 2), 2);
  add(_mm512_extractf32x4_ps(scales, 3), _mm512_extractf32x4_ps(products, 3),
      _mm512_extractf32x4_ps(minimums, 3), 3);
  return sums;
}

template <typename Format>
JEVONS_FORCE_INLINE __m128 decode(const std::byte* const* rows, int n_blocks,
                                  const ActivationQ8Small* x) {
  using Block = typename Format::Block;
  __m128 sums = _mm_setzero_ps();
  int b = 0;
  for (; b + 4 <= n_blocks; b += 4) {
    const std::size_t offset = static_cast<std::size_t>(b) * sizeof(Block);
    read_ahead<Block[4]>(rows, offset);
    sums = add_four_blocks<Format>(rows, offset, x + b, sums);
  }
  for (; b < n_blocks; ++b) {
    sums = add_block<Format>(rows, static_cast<std::size_t>(b) * sizeof(Block), x[b], sums);
  }
  return sums;
}

/// Halves at `offset` of 16 rows.
__m512 load_halves_of_rows(const std::byte* const* rows, std::size_t offset) {
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
    _mm512_store_ps(panel.scales[b], load_halves_of_rows(rows, offset + offsetof(Block, scale)));
    if constexpr (kHasMinimum<Format>) {
      _mm512_store_ps(panel.minimums[b],
                      load_halves_of_rows(rows, offset + offsetof(Block, minimum)));
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
