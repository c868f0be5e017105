// Steps of unpacking 256-element blocks into panels. Internal to the *_avx512 files: everything
// here is compiled for that instruction set.
#pragma once

#include "kernels/panel_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {

/// Four columns of 16 rows at `offset`, for each of four neighbouring groups of columns.
inline void load_columns(const std::byte* const* rows, std::size_t offset, __m512i (&columns)[4]) {
  for (int r = 0; r < 4; ++r) columns[r] = load_four_16(rows + r, 4, offset);
  transpose_dwords(columns);
}

/// Halves at `offset` of 16 rows.
inline void store_halves(const std::byte* const* rows, std::size_t offset, float* out) {
  for (int i = 0; i < 4; ++i) _mm_store_ps(out + 4 * i, load_four_halves(rows + 4 * i, offset));
}

/// For bytes 2i and 2i + 1 of each dword, i = 0 or 1: the first in the upper byte of the dword's
/// lower 16 bits, the second in that of the upper 16 bits, zeros below.
inline __m512i pair_to_tops(__m512i bytes, int i) {
  const __m512i lane_offset =
      _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x04000400, 0x08000800, 0x0C000C00));
  const __m512i index = _mm512_set1_epi32(i == 0 ? 0x01800080 : 0x03800280);
  return _mm512_shuffle_epi8(bytes, _mm512_add_epi8(index, lane_offset));
}

/// Signed scales for each 16 elements, four to a dword for each row, and as minimums the scales
/// times 2^log2_offset.
inline void store_signed_scales(const __m512i (&scales)[4], int log2_offset, SuperPanel& panel) {
  const __m128i down = _mm_cvtsi32_si128(8 - log2_offset);
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const __m512i top = _mm512_slli_epi32(scales[i], static_cast<unsigned>(24 - 8 * j));
      _mm512_store_si512(panel.scales[4 * i + j], _mm512_srai_epi32(top, 24));
    }
    _mm512_store_si512(panel.minimums[2 * i], _mm512_sra_epi16(pair_to_tops(scales[i], 0), down));
    _mm512_store_si512(panel.minimums[2 * i + 1],
                       _mm512_sra_epi16(pair_to_tops(scales[i], 1), down));
  }
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
