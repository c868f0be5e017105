// IQ4_XS on AVX-512. The table's values are computed with as unsigned bytes, 128 too large, which
// is taken away as scales times sums of activations.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/decode_avx512.h"
#include "kernels/matmul_kernels.h"
#include "kernels/panel_avx512.h"
#include "kernels/panel_unpack_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {
namespace {

using Block = BlockIQ4_XS;

/// One block's activations: the first 16 of each of four sub-blocks, the second 16 of each, for
/// sub-blocks 0..3 and 4..7; and 128 times the sums of each 32.
struct Activations {
  __m512i first[2], second[2];
  __m256i sums;
};

JEVONS_FORCE_INLINE Activations arrange(const ActivationQ8Super& x) {
  Activations out;
  for (int i = 0; i < 2; ++i) {
    const __m512i a = load_64(x.quants + 128 * i);
    const __m512i b = load_64(x.quants + 128 * i + 64);
    out.first[i] = _mm512_shuffle_i32x4(a, b, 0x88);
    out.second[i] = _mm512_shuffle_i32x4(a, b, 0xDD);
  }
  out.sums = _mm256_slli_epi32(_mm256_madd_epi16(load_32(x.sums), _mm256_set1_epi16(1)), 7);
  return out;
}

/// The block's eight scales in 16 bits: low nibbles in four bytes, two more bits in a word.
__m128i load_scales(const Block& block) {
  std::int32_t nibbles;
  std::memcpy(&nibbles, block.scales_low, sizeof(nibbles));
  const __m128i v = _mm_cvtsi32_si128(nibbles);
  const __m128i low = _mm_and_si128(_mm_unpacklo_epi8(v, _mm_srli_epi16(v, 4)), _mm_set1_epi8(15));
  const __m128i shifts = _mm_setr_epi16(0, 2, 4, 6, 8, 10, 12, 14);
  const __m128i high =
      _mm_srlv_epi16(_mm_set1_epi16(static_cast<short>(block.scales_high)), shifts);
  const __m128i two_bits = _mm_slli_epi16(_mm_and_si128(high, _mm_set1_epi16(3)), 4);
  return _mm_sub_epi16(_mm_or_si128(_mm_cvtepu8_epi16(low), two_bits), _mm_set1_epi16(32));
}

/// Sums to be added over all lanes.
JEVONS_FORCE_INLINE __m512i dot_block(const Block& block, const Activations& x) {
  const __m256i scales = _mm256_cvtepi16_epi32(load_scales(block));
  const __m256i too_much = _mm256_mullo_epi32(scales, x.sums);
  __m512i sum = _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_zextsi256_si512(too_much));
  const __m512i index = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  JEVONS_UNROLL
  for (int i = 0; i < 2; ++i) {
    const __m512i packed = load_64(block.quants + 64 * i);
    __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(),
                                      iq4_values_plus_128(byte_bits(packed, 0, 15)), x.first[i]);
    dot = _mm512_dpbusd_epi32(dot, iq4_values_plus_128(byte_bits(packed, 4, 15)), x.second[i]);
    const __m512i chosen = _mm512_permutexvar_epi32(
        _mm512_add_epi32(index, _mm512_set1_epi32(4 * i)), _mm512_castsi256_si512(scales));
    sum = _mm512_add_epi32(sum, _mm512_mullo_epi32(dot, chosen));
  }
  return sum;
}

JEVONS_FORCE_INLINE __m128 decode(const std::byte* const* rows, int n_blocks,
                                  const ActivationQ8Super* x) {
  __m128 sums = _mm_setzero_ps();
  for (int b = 0; b < n_blocks; ++b) {
    const std::size_t offset = static_cast<std::size_t>(b) * sizeof(Block);
    read_ahead<Block>(rows, offset);
    const Activations activations = arrange(x[b]);
    __m512i dots[4];
    JEVONS_UNROLL
    for (int r = 0; r < 4; ++r) {
      dots[r] = dot_block(*reinterpret_cast<const Block*>(rows[r] + offset), activations);
    }
    const __m128 scale = _mm_mul_ps(load_four_halves(rows, offset + offsetof(Block, scale)),
                                    _mm_set1_ps(x[b].scale));
    sums = _mm_fmadd_ps(scale, _mm_cvtepi32_ps(sum_lanes_of_four(dots)), sums);
  }
  return sums;
}

/// The eight scales twice each, so that there is one for each 16 elements.
void unpack_scales(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  store_halves(rows, offset + offsetof(Block, scale), panel.scale);
  __m512i scales[4];
  for (int r = 0; r < 4; ++r) {
    __m512i v = _mm512_setzero_si512();
    for (int lane = 0; lane < 4; ++lane) {
      const auto& block = *reinterpret_cast<const Block*>(rows[r + 4 * lane] + offset);
      const __m128i eight = load_scales(block);
      const __m128i bytes = _mm_packs_epi16(eight, eight);
      const auto mask = static_cast<__mmask16>(0xF << (4 * lane));
      v = _mm512_mask_broadcast_i32x4(v, mask, _mm_unpacklo_epi8(bytes, bytes));
    }
    scales[r] = v;
  }
  transpose_dwords(scales);
  store_signed_scales(scales, 7, panel);
}

void unpack_panel(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  unpack_scales(rows, offset, panel);
  for (std::size_t i = 0; i < kSuperBlock / 32; ++i) {
    __m512i packed[4];
    load_columns(rows, offset + offsetof(Block, quants) + 16 * i, packed);
    for (std::size_t s = 0; s < 4; ++s) {
      _mm512_store_si512(panel.quants[8 * i + s], iq4_values_plus_128(byte_bits(packed[s], 0, 15)));
      _mm512_store_si512(panel.quants[8 * i + 4 + s],
                         iq4_values_plus_128(byte_bits(packed[s], 4, 15)));
    }
  }
}

void matmul(const MatmulArguments& a) {
  if (a.n_tokens < kFewestPanelTokens) {
    decode_rows<ActivationQ8Super, decode>(a, a.n_columns / kSuperBlock);
  } else {
    multiply_super_panels(a, SuperKind::kNarrowOffset, sizeof(Block), unpack_panel);
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_iq4xs_avx512(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kIQ4_XS)] = matmul;
}

}  // namespace jevons::kernels

#endif
