// Q6_K on AVX-512. Quants are computed with as 0..63, 32 too large; what that adds is the scales
// times the activations' sums, and is taken away again.
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

using Block = BlockQ6_K;

/// One block's activations: 64 at a time, and -16 times the sums of each 16.
struct Activations {
  __m512i quants[4];
  __m512i sums;  // 16-bit, in the lower half, zeros above
};

JEVONS_FORCE_INLINE Activations arrange(const ActivationQ8Super& x) {
  Activations out;
  for (int i = 0; i < 4; ++i) out.quants[i] = load_64(x.quants + 64 * i);
  const __m256i sums = _mm256_slli_epi16(load_32(x.sums), 4);
  out.sums = _mm512_zextsi256_si512(_mm256_sub_epi16(_mm256_setzero_si256(), sums));
  return out;
}

/// In 16 bits: scales 4i, 4i + 1, 4i + 2 and 4i + 3, eight times each.
JEVONS_FORCE_INLINE __m512i choose_scales(__m512i scales, int i) {
  const __m512i index =
      _mm512_set_epi64(0x0003000300030003, 0x0003000300030003, 0x0002000200020002,
                       0x0002000200020002, 0x0001000100010001, 0x0001000100010001, 0, 0);
  return _mm512_permutexvar_epi16(
      _mm512_add_epi16(index, _mm512_set1_epi16(static_cast<short>(4 * i))), scales);
}

/// Sums to be added over all lanes.
JEVONS_FORCE_INLINE __m512i dot_block(const Block& block, const Activations& x) {
  const __m512i scales = _mm512_zextsi256_si512(_mm256_cvtepi8_epi16(load_16(block.scales)));
  // Minus 32 times the scales times the sums, in two steps because 32 sums do not fit 16 bits.
  __m512i sum = _mm512_madd_epi16(scales, x.sums);
  sum = _mm512_add_epi32(sum, sum);
  const __m512i left = set_two_halves(4, 2);
  const __m512i right = set_two_halves(0, 2);
  JEVONS_UNROLL
  for (int half = 0; half < 2; ++half) {
    const __m512i packed = load_64(block.low_bits + 64 * half);
    const __m512i high_bits = load_32_twice(block.high_bits + 32 * half);
    const __m512i low =
        or_masked(byte_bits(packed, 0, 15), _mm512_sllv_epi16(high_bits, left), 0x30);
    const __m512i high =
        or_masked(byte_bits(packed, 4, 15), _mm512_srlv_epi16(high_bits, right), 0x30);
    sum = _mm512_dpwssd_epi32(sum, _mm512_maddubs_epi16(low, x.quants[2 * half]),
                              choose_scales(scales, 2 * half));
    sum = _mm512_dpwssd_epi32(sum, _mm512_maddubs_epi16(high, x.quants[2 * half + 1]),
                              choose_scales(scales, 2 * half + 1));
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

void unpack_scales(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  store_halves(rows, offset + offsetof(Block, scale), panel.scale);
  __m512i scales[4];
  load_columns(rows, offset + offsetof(Block, scales), scales);
  store_signed_scales(scales, 5, panel);
}

void unpack_panel(const std::byte* const* rows, std::size_t offset, SuperPanel& panel) {
  unpack_scales(rows, offset, panel);
  for (std::size_t half = 0; half < 2; ++half) {
    for (std::size_t side = 0; side < 2; ++side) {  // columns 0..15 and 16..31 of each 32
      __m512i high_bits[4];
      load_columns(rows, offset + offsetof(Block, high_bits) + 32 * half + 16 * side, high_bits);
      for (std::size_t pair = 0; pair < 2; ++pair) {  // elements 0..31 and 32..63, plus 64
        __m512i packed[4];
        load_columns(rows, offset + offsetof(Block, low_bits) + 64 * half + 32 * pair + 16 * side,
                     packed);
        const auto shift = static_cast<unsigned>(2 * pair);
        for (std::size_t s = 0; s < 4; ++s) {
          const __m512i low_top = _mm512_slli_epi16(byte_bits(high_bits[s], shift, 3), 4);
          const __m512i high_top = _mm512_slli_epi16(byte_bits(high_bits[s], shift + 4, 3), 4);
          const std::size_t group = 32 * half + 8 * pair + 4 * side + s;
          _mm512_store_si512(panel.quants[group],
                             _mm512_or_si512(byte_bits(packed[s], 0, 15), low_top));
          _mm512_store_si512(panel.quants[group + 16],
                             _mm512_or_si512(byte_bits(packed[s], 4, 15), high_top));
        }
      }
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

void fill_q6k_avx512(KernelSet& set) { set.matmuls[format_index(WeightFormat::kQ6_K)] = matmul; }

}  // namespace jevons::kernels

#endif
