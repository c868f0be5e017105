// Q4_K and Q5_K on AVX-512. A Q5_K block is a Q4_K block with a fifth bit for each quant.
#if defined(__x86_64__)

#include <immintrin.h>

#include <type_traits>

#include "kernels/decode_avx512.h"
#include "kernels/matmul_kernels.h"
#include "kernels/panel_avx512.h"
#include "kernels/panel_unpack_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

template <typename Block>
constexpr bool kHasFifthBit = std::is_same_v<Block, BlockQ5_K>;

/// One block's activations in the order in which a row's quants come out of its bytes: the low
/// nibbles of 64 bytes are sub-blocks 0 and 2, the high ones sub-blocks 1 and 3.
struct Activations {
  __m512i low[2], high[2];
  __m512i sums;  // of each 32, in 16 bits, in every group of eight
};

JEVONS_FORCE_INLINE Activations arrange(const ActivationQ8Super& x) {
  Activations out;
  for (int i = 0; i < 2; ++i) {
    const __m512i first = load_64(x.quants + 128 * i);
    const __m512i second = load_64(x.quants + 128 * i + 64);
    out.low[i] = _mm512_shuffle_i64x2(first, second, 0x44);
    out.high[i] = _mm512_shuffle_i64x2(first, second, 0xEE);
  }
  const __m256i sums = _mm256_madd_epi16(load_32(x.sums), _mm256_set1_epi16(1));
  out.sums = _mm512_broadcast_i32x4(_mm256_cvtepi32_epi16(sums));
  return out;
}

/// In 16 bits: scale `first` 16 times, then scale `first` + 2, from a group of 16 bytes that
/// begins with the scales.
JEVONS_FORCE_INLINE __m512i choose_scales(__m512i scales, int first) {
  constexpr int kZeroAbove = 0x8000;
  return _mm512_shuffle_epi8(scales, set_two_halves(kZeroAbove | first, kZeroAbove | (first + 2)));
}

/// Moves the fifth bits of the low (or high) nibbles of half `i` to the place of 16. high_bits:
/// twice. Bit 4i (or 4i + 1) is that of the lower 32 quants, and the next but one of the upper.
JEVONS_FORCE_INLINE __m512i fifth_bits(__m512i high_bits, int i, bool of_high_nibbles) {
  const int bit = of_high_nibbles ? 1 : 0;
  return i == 0 ? _mm512_sllv_epi16(high_bits, set_two_halves(4 - bit, 2 - bit))
                : _mm512_srlv_epi16(high_bits, set_two_halves(bit, 2 + bit));
}

template <typename Block>
JEVONS_FORCE_INLINE void split_quants(const Block& block, int i, __m512i& low, __m512i& high) {
  const __m512i packed = load_64(block.quants + 64 * i);
  low = byte_bits(packed, 0, 15);
  high = byte_bits(packed, 4, 15);
  if constexpr (kHasFifthBit<Block>) {
    const __m512i high_bits = load_32_twice(block.high_bits);
    low = or_masked(low, fifth_bits(high_bits, i, false), 16);
    high = or_masked(high, fifth_bits(high_bits, i, true), 16);
  }
}

/// Sums to be added over all lanes. `scales`: the block's scales in every group of 16 bytes.
template <typename Block>
JEVONS_FORCE_INLINE __m512i dot_block(const Block& block, __m512i scales, const Activations& x) {
  __m512i sum = _mm512_setzero_si512();
  JEVONS_UNROLL
  for (int i = 0; i < 2; ++i) {
    __m512i low;
    __m512i high;
    split_quants(block, i, low, high);
    sum =
        _mm512_dpwssd_epi32(sum, _mm512_maddubs_epi16(low, x.low[i]), choose_scales(scales, 4 * i));
    sum = _mm512_dpwssd_epi32(sum, _mm512_maddubs_epi16(high, x.high[i]),
                              choose_scales(scales, 4 * i + 1));
  }
  return sum;
}

template <typename Block>
JEVONS_FORCE_INLINE __m128 decode(const std::byte* const* rows, int n_blocks,
                                  const ActivationQ8Super* x) {
  __m128 sums = _mm_setzero_ps();
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = static_cast<std::size_t>(b) * sizeof(Block);
    read_ahead<Block>(rows, offset);
    const auto block = [&](int r) -> const Block& {
      return *reinterpret_cast<const Block*>(rows[r] + offset);
    };
    const Activations activations = arrange(x[b]);
    const __m512i headers = load_four_16(rows, 1, offset);
    const __m512i scales = unpack_six_bit_scales(headers);
    const __m512i dots[4] = {
        dot_block(block(0), _mm512_shuffle_i32x4(scales, scales, 0x00), activations),
        dot_block(block(1), _mm512_shuffle_i32x4(scales, scales, 0x55), activations),
        dot_block(block(2), _mm512_shuffle_i32x4(scales, scales, 0xAA), activations),
        dot_block(block(3), _mm512_shuffle_i32x4(scales, scales, 0xFF), activations)};
    __m512i minimums =
        _mm512_madd_epi16(_mm512_unpackhi_epi8(scales, _mm512_setzero_si512()), activations.sums);
    minimums = _mm512_add_epi32(minimums, _mm512_shuffle_epi32(minimums, _MM_PERM_BADC));
    minimums = _mm512_add_epi32(minimums, _mm512_shuffle_epi32(minimums, _MM_PERM_CDAB));

    const __m128i floats = first_of_each_four(headers);  // scale, and minimum above it
    const __m128 x_scale = _mm_set1_ps(x[b].scale);
    const __m128 scale = _mm_cvtph_ps(_mm_cvtepi32_epi16(floats));
    const __m128 minimum = _mm_cvtph_ps(_mm_cvtepi32_epi16(_mm_srli_epi32(floats, 16)));
    sums = _mm_fmadd_ps(_mm_mul_ps(scale, x_scale), _mm_cvtepi32_ps(sum_lanes_of_four(dots)), sums);
    sums = _mm_fnmadd_ps(_mm_mul_ps(minimum, x_scale),
                         _mm_cvtepi32_ps(first_of_each_four(minimums)), sums);
  }
  return sums;
}

/// Scales, minimums and floats of 16 rows.
void unpack_header(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  __m512i headers[4];
  __m512i scales[4];
  for (int r = 0; r < 4; ++r) {
    headers[r] = load_four_16(rows + r, 4, offset);
    scales[r] = unpack_six_bit_scales(headers[r]);
  }
  transpose_dwords(headers);
  _mm512_store_ps(panel.scale, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(headers[0])));
  const __m512i minimum = _mm512_srli_epi32(headers[0], 16);
  _mm512_store_ps(panel.minimum, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(minimum)));
  transpose_dwords(scales);  // now scales 0..3, scales 4..7, minimums 0..3, minimums 4..7
  const __m512i first_pair = _mm512_set1_epi32(static_cast<int>(0xFF01FF00U));
  const __m512i lane_offset =
      _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x00040004, 0x00080008, 0x000C000C));
  const __m512i pair = _mm512_add_epi8(first_pair, lane_offset);
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 4; ++i) {
      const __m512i scale = _mm512_and_si512(
          _mm512_srli_epi32(scales[half], static_cast<unsigned>(8 * i)), _mm512_set1_epi32(255));
      _mm512_store_si512(panel.scales[4 * half + i], scale);
    }
    const __m512i upper_pair = _mm512_add_epi8(pair, _mm512_set1_epi32(0x00020002));
    _mm512_store_si512(panel.minimums[2 * half], _mm512_shuffle_epi8(scales[2 + half], pair));
    _mm512_store_si512(panel.minimums[2 * half + 1],
                       _mm512_shuffle_epi8(scales[2 + half], upper_pair));
  }
}

template <typename Block>
void unpack_panel(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  unpack_header(rows, offset, panel);
  __m512i high_bits[2][4];
  if constexpr (kHasFifthBit<Block>) {
    load_columns(rows, offset + offsetof(Block, high_bits), high_bits[0]);
    load_columns(rows, offset + offsetof(Block, high_bits) + 16, high_bits[1]);
  }
  for (int piece = 0; piece < 8; ++piece) {  // of 16 bytes; two hold sub-blocks 2i and 2i + 1
    const int i = piece / 2;
    __m512i packed[4];
    load_columns(rows, offset + offsetof(Block, quants) + 16 * static_cast<std::size_t>(piece),
                 packed);
    for (int s = 0; s < 4; ++s) {
      __m512i low = byte_bits(packed[s], 0, 15);
      __m512i high = byte_bits(packed[s], 4, 15);
      if constexpr (kHasFifthBit<Block>) {
        const __m512i bits = high_bits[piece % 2][s];
        const __m512i low_bit = byte_bits(bits, static_cast<unsigned>(2 * i), 1);
        const __m512i high_bit = byte_bits(bits, static_cast<unsigned>(2 * i + 1), 1);
        low = _mm512_or_si512(low, _mm512_slli_epi16(low_bit, 4));
        high = _mm512_or_si512(high, _mm512_slli_epi16(high_bit, 4));
      }
      const int group = 16 * i + 4 * (piece % 2) + s;
      _mm512_store_si512(panel.quants[group], low);
      _mm512_store_si512(panel.quants[group + 8], high);
    }
  }
}

template <typename Block>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens < kFewestPanelTokens) {
    decode_rows<ActivationQ8Super, decode<Block>>(a, a.n_columns / kSuperBlock);
  } else {
    multiply_super_panels(a, SuperKind::kWide, sizeof(Block), unpack_panel<Block>);
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_q4k_q5k_avx512(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ4_K)] = matmul<BlockQ4_K>;
  set.matmuls[format_index(WeightFormat::kQ5_K)] = matmul<BlockQ5_K>;
}

}  // namespace jevons::kernels

#endif
