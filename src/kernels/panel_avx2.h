// Many tokens on AVX2. Panels of 16 rows are unpacked once, so that one vector holds the same four
// columns of eight rows, and multiplied with all tokens, 16 rows by 4 tokens at a time. Products
// are summed in 16 bits as long as they cannot overflow, and only then scaled: that takes half the
// multiplications of scaling each. Internal to the *_avx2 files: everything here is compiled for
// that instruction set.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/kernel_set.h"
#include "kernels/matrix_rows.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels::avx2 {

/// Fewer are multiplied without unpacking to memory.
inline constexpr int kFewestPanelTokens = 4;
/// A panel's rows, in two vectors of eight.
inline constexpr int kPanelRows = 16;
inline constexpr int kTileTokens = 4;
inline constexpr int kPanelTokens = 64;  // whose activations and sums stay in the nearest cache

/// The same element of 16 rows, four bytes or two 16-bit numbers for each row.
struct PanelColumn {
  alignas(32) std::byte of_row[kPanelRows][4];

  [[nodiscard]] JEVONS_FORCE_INLINE __m256i load(int half) const {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(of_row[8 * half]));
  }
  JEVONS_FORCE_INLINE void store(int half, __m256i v) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(of_row[8 * half]), v);
  }
};

JEVONS_FORCE_INLINE __m256i broadcast_dword(const void* bytes) {
  std::int32_t value;
  std::memcpy(&value, bytes, sizeof(value));
  return _mm256_set1_epi32(value);
}

/// 16 bytes at `offset` of eight rows, as four columns of four bytes.
JEVONS_FORCE_INLINE void load_columns(const std::byte* const* rows, std::size_t offset,
                                      __m256i (&columns)[4]) {
  __m256i v[4];
  JEVONS_UNROLL
  for (int r = 0; r < 4; ++r) {
    v[r] = _mm256_loadu2_m128i(reinterpret_cast<const __m128i*>(rows[r + 4] + offset),
                               reinterpret_cast<const __m128i*>(rows[r] + offset));
  }
  const __m256i low_01 = _mm256_unpacklo_epi32(v[0], v[1]);
  const __m256i high_01 = _mm256_unpackhi_epi32(v[0], v[1]);
  const __m256i low_23 = _mm256_unpacklo_epi32(v[2], v[3]);
  const __m256i high_23 = _mm256_unpackhi_epi32(v[2], v[3]);
  columns[0] = _mm256_unpacklo_epi64(low_01, low_23);
  columns[1] = _mm256_unpackhi_epi64(low_01, low_23);
  columns[2] = _mm256_unpacklo_epi64(high_01, high_23);
  columns[3] = _mm256_unpackhi_epi64(high_01, high_23);
}

/// Reads the rows of the next panel into the second-level cache, a little at a time, so that they
/// are there when their turn comes.
class NextPanelRows {
 public:
  NextPanelRows(const MatmulArguments& a, int first_row, int n_pauses) {
    const int next_row = first_row + kPanelRows;
    const int n_rows = std::min(kPanelRows, a.n_rows - next_row);
    if (n_rows <= 0) return;
    next_ = a.weights + a.row_bytes * static_cast<std::size_t>(next_row);
    n_lines_ = static_cast<int>(a.row_bytes * static_cast<std::size_t>(n_rows) / 64);
    n_lines_each_ = (n_lines_ + n_pauses - 1) / n_pauses;
  }
  void read_some() {
    const int n = std::min(n_lines_each_, n_lines_);
    for (int i = 0; i < n; ++i, next_ += 64) {
      _mm_prefetch(reinterpret_cast<const char*>(next_), _MM_HINT_T1);
    }
    n_lines_ -= n;
  }

 private:
  const std::byte* next_ = nullptr;
  int n_lines_ = 0;
  int n_lines_each_ = 0;
};

using PanelSums = float[kPanelRows];

/// unpack(rows, step): fills the panel with step `step` of the blocks of rows[0..15].
/// multiply_tile(step, x, n, sums): adds the panel times n tokens to sums[0..n - 1].
template <typename Unpack, typename Tile>
void walk_panels(const MatmulArguments& a, int n_steps, Unpack unpack, Tile multiply_tile) {
  alignas(32) PanelSums sums[kPanelTokens];
  const int n_tiles = (a.n_tokens + kTileTokens - 1) / kTileTokens;
  const int n_pauses = n_steps * n_tiles;
  for (int row = 0; row < a.n_rows; row += kPanelRows) {
    const MatrixRows<kPanelRows> group(a, row);
    NextPanelRows next(a, row, n_pauses);
    for (int first = 0; first < a.n_tokens; first += kPanelTokens) {
      const int n_tokens = std::min(kPanelTokens, a.n_tokens - first);
      std::memset(sums, 0, sizeof(PanelSums) * static_cast<std::size_t>(n_tokens));
      for (int step = 0; step < n_steps; ++step) {
        unpack(group.rows, step);
        for (int t = 0; t < n_tokens; t += kTileTokens) {
          next.read_some();
          multiply_tile(step, a.x + first + t, std::min(kTileTokens, n_tokens - t), sums + t);
        }
      }
      for (int t = 0; t < n_tokens; ++t) group.store(sums[t], a.y[first + t]);
    }
  }
}

}  // namespace jevons::kernels::avx2
JEVONS_TARGET_END
