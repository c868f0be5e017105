// One token, or a few, on AVX-512: four rows at a time straight from memory, which is read ahead.
// Internal to the *_avx512 files: everything here is compiled for that instruction set.
#pragma once

#include <algorithm>

#include "kernels/kernel_set.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {

inline constexpr int kDecodeRows = 4;

/// How far behind the four rows being computed memory is read ahead. Rows lie one after another
/// and are consumed together, so what comes next begins behind the last of the four.
inline constexpr std::size_t kDecodeLeadBytes = 5 << 10;

/// All rows times all tokens. kDecode(rows, n_blocks, activations) gives four sums, one for each
/// row; `block_bytes` are those of one block of one row.
template <typename Activation, auto kDecode>
void decode_rows(const MatmulArguments& a, int n_blocks) {
  for (int row = 0; row < a.n_rows; row += kDecodeRows) {
    const int n_rows = std::min(kDecodeRows, a.n_rows - row);
    const std::byte* rows[kDecodeRows];
    for (int r = 0; r < kDecodeRows; ++r) {
      rows[r] = a.weights + a.row_bytes * static_cast<std::size_t>(row + std::min(r, n_rows - 1));
    }
    for (int t = 0; t < a.n_tokens; ++t) {
      const __m128 sums = kDecode(rows, n_blocks, reinterpret_cast<const Activation*>(a.x[t]));
      _mm_mask_storeu_ps(a.y[t] + row, static_cast<__mmask8>((1U << n_rows) - 1U), sums);
    }
  }
}

/// Reads ahead as much as the four rows' blocks at `offset` take.
template <typename Block>
void read_ahead(const std::byte* const* rows, std::size_t offset) {
  prefetch_bytes(rows[kDecodeRows - 1] + kDecodeLeadBytes + kDecodeRows * offset,
                 kDecodeRows * sizeof(Block));
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
