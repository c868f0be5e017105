// Q2_K and Q3_K on AVX-512. Both keep two bits of each quant in the same way; Q3_K has a third and
// computes with 0..7, 4 too large, which is taken away as scales times sums of activations.
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
constexpr bool kHasThirdBit = std::is_same_v<Block, BlockQ3_K>;

/// One block's activations in the order in which a row's quants come out of its 64 bytes: shifted
/// by 2i they are elements 32i.. of the first half and of the second.
struct Activations {
  __m512i quants[4];
  __m256i sums;  // of each 16, in 16 bits
};

JEVONS_FORCE_INLINE Activations arrange(const ActivationQ8Super& x) {
  Activations out;
  for (int i = 0; i < 4; ++i) {
    out.quants[i] = load_two_32(x.quants + 32 * i, x.quants + 128 + 32 * i);
  }
  out.sums = load_32(x.sums);
  return out;
}

/// In 16 bits: scales 2i, 2i + 1, 8 + 2i and 8 + 2i + 1, eight times each.
JEVONS_FORCE_INLINE __m512i choose_scales(__m512i scales, int i) {
  const __m512i index =
      _mm512_set_epi64(0x0009000900090009, 0x0009000900090009, 0x0008000800080008,
                       0x0008000800080008, 0x0001000100010001, 0x0001000100010001, 0, 0);
  return _mm512_permutexvar_epi16(
      _mm512_add_epi16(index, _mm512_set1_epi16(static_cast<short>(2 * i))), scales);
}

/// The block's sixteen scales in 16 bits.
__m256i load_scales(const BlockQ2_K& block) {
  return _mm256_cvtepu8_epi16(_mm_and_si128(load_16(block.scales), _mm_set1_epi8(15)));
}
__m256i load_scales(const BlockQ3_K& block) {
  return _mm256_cvtepi8_epi16(q3k_scales(block.scales));
}

/// Sums to be added over all lanes, not yet without Q3_K's offset.
template <typename Block>
JEVONS_FORCE_INLINE __m512i dot_block(const Block& block, __m256i scales_16, const Activations& x) {
  const __m512i scales = _mm512_castsi256_si512(scales_16);
  const __m512i packed = load_64(block.quants);
  __m512i third_bits = _mm512_setzero_si512();  // bit i: of the quants shifted by 2i
  if constexpr (kHasThirdBit<Block>) {
    third_bits = _mm512_srlv_epi16(load_32_twice(block.high_bits), set_two_halves(0, 4));
  }
  __m512i sum = _mm512_setzero_si512();
  JEVONS_UNROLL
  for (int i = 0; i < 4; ++i) {
    __m512i quants = byte_bits(packed, static_cast<unsigned>(2 * i), 3);
    if constexpr (kHasThirdBit<Block>) {
      const __m512i moved = i < 2 ? _mm512_slli_epi16(third_bits, static_cast<unsigned>(2 - i))
                                  : _mm512_srli_epi16(third_bits, static_cast<unsigned>(i - 2));
      quants = or_masked(quants, moved, 4);
    }
    sum = _mm512_dpwssd_epi32(sum, _mm512_maddubs_epi16(quants, x.quants[i]),
                              choose_scales(scales, i));
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
    const Activations activations = arrange(x[b]);
    __m512i dots[4];
    __m256i minimums[4];
    JEVONS_UNROLL
    for (int r = 0; r < 4; ++r) {
      const auto& block = *reinterpret_cast<const Block*>(rows[r] + offset);
      const __m256i scales = load_scales(block);
      dots[r] = dot_block(block, scales, activations);
      if constexpr (kHasThirdBit<Block>) {
        const __m256i too_much = _mm256_slli_epi32(_mm256_madd_epi16(scales, activations.sums), 2);
        dots[r] = _mm512_sub_epi32(dots[r], _mm512_zextsi256_si512(too_much));
      } else {
        const __m256i own = _mm256_srli_epi16(_mm256_cvtepu8_epi16(load_16(block.scales)), 4);
        minimums[r] = _mm256_madd_epi16(own, activations.sums);
      }
    }
    const __m128 x_scale = _mm_set1_ps(x[b].scale);
    const __m128 scale =
        _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, scale)), x_scale);
    sums = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(sum_lanes_of_four(dots)), sums);
    if constexpr (!kHasThirdBit<Block>) {
      const __m128 minimum =
          _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, minimum)), x_scale);
      sums = _mm_fnmadd_ps(minimum, _mm_cvtepi32_ps(sum_lanes_of_four(minimums)), sums);
    }
  }
  return sums;
}

void unpack_scales(const std::byte* const* rows, std::size_t offset, const BlockQ2_K*,
                   SuperPanel& panel) {
  store_halves(rows, offset + offsetof(BlockQ2_K, minimum), panel.minimum);
  __m512i scales[4];
  load_columns(rows, offset + offsetof(BlockQ2_K, scales), scales);
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const __m512i shifted = _mm512_srli_epi32(scales[i], static_cast<unsigned>(8 * j));
      _mm512_store_si512(panel.scales[4 * i + j], _mm512_and_si512(shifted, _mm512_set1_epi32(15)));
    }
    for (int pair = 0; pair < 2; ++pair) {
      _mm512_store_si512(panel.minimums[2 * i + pair],
                         _mm512_srli_epi16(pair_to_tops(scales[i], pair), 12));
    }
  }
}

void unpack_scales(const std::byte* const* rows, std::size_t offset, const BlockQ3_K*,
                   SuperPanel& panel) {
  __m512i scales[4];
  for (int r = 0; r < 4; ++r) {
    __m512i v = _mm512_setzero_si512();
    for (int lane = 0; lane < 4; ++lane) {
      const auto& block = *reinterpret_cast<const BlockQ3_K*>(rows[r + 4 * lane] + offset);
      const auto mask = static_cast<__mmask16>(0xF << (4 * lane));
      v = _mm512_mask_broadcast_i32x4(v, mask, q3k_scales(block.scales));
    }
    scales[r] = v;
  }
  transpose_dwords(scales);
  store_signed_scales(scales, 2, panel);
}

template <typename Block>
void unpack_panel(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  store_halves(rows, offset + offsetof(Block, scale), panel.scale);
  unpack_scales(rows, offset, static_cast<const Block*>(nullptr), panel);
  for (std::size_t side = 0; side < 2; ++side) {  // columns 0..15 and 16..31 of each 32
    __m512i third_bits[4];
    if constexpr (kHasThirdBit<Block>) {
      load_columns(rows, offset + offsetof(Block, high_bits) + 16 * side, third_bits);
    }
    for (std::size_t half = 0; half < 2; ++half) {
      __m512i packed[4];
      load_columns(rows, offset + offsetof(Block, quants) + 32 * half + 16 * side, packed);
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t s = 0; s < 4; ++s) {
          __m512i quants = byte_bits(packed[s], static_cast<unsigned>(2 * i), 3);
          if constexpr (kHasThirdBit<Block>) {
            const auto bit = static_cast<unsigned>(4 * half + i);
            quants =
                _mm512_or_si512(quants, _mm512_slli_epi16(byte_bits(third_bits[s], bit, 1), 2));
          }
          _mm512_store_si512(panel.quants[32 * half + 8 * i + 4 * side + s], quants);
        }
      }
    }
  }
}

template <typename Block>
void matmul(const MatmulArguments& a) {
  if (a.n_tokens < kFewestPanelTokens) {
    decode_rows<ActivationQ8Super, decode<Block>>(a, a.n_columns / kSuperBlock);
  } else {
    multiply_super_panels(a, kHasThirdBit<Block> ? SuperKind::kNarrowOffset : SuperKind::kNarrow,
                          sizeof(Block), unpack_panel<Block>);
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_q2k_q3k_avx512(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kQ2_K)] = matmul<BlockQ2_K>;
  set.matmuls[format_index(WeightFormat::kQ3_K)] = matmul<BlockQ3_K>;
}

}  // namespace jevons::kernels

#endif
