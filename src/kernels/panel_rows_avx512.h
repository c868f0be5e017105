// The walk over rows, tokens and blocks that both kinds of panels share. Internal to the
// *_avx512 files: everything here is compiled for that instruction set.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/kernel_set.h"
#include "kernels/panel_avx512.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512)
namespace jevons::kernels {

inline constexpr int kGroupsAtOnce = 3;  // panels of 16 rows
inline constexpr int kRowsAtOnce = kGroupsAtOnce * kPanelRows;
inline constexpr int kTileTokens = 4;
inline constexpr int kTokensAtOnce = 128;

/// Up to 48 rows of a matrix. Where fewer than whole panels are left, the last row stands in for
/// the missing ones, and its results are dropped.
struct RowGroup {
  const std::byte* rows[kRowsAtOnce];
  int n_rows;
  int n_panels;
};

inline RowGroup row_group(const MatmulArguments& a, int first_row) {
  RowGroup group;
  group.n_rows = std::min(kRowsAtOnce, a.n_rows - first_row);
  group.n_panels = (group.n_rows + kPanelRows - 1) / kPanelRows;
  for (int r = 0; r < kRowsAtOnce; ++r) {
    const int row = first_row + std::min(r, group.n_rows - 1);
    group.rows[r] = a.weights + a.row_bytes * static_cast<std::size_t>(row);
  }
  return group;
}

/// Reads the rows of the next group into the second-level cache, a little at a time, so that they
/// are there when their turn comes.
class NextRows {
 public:
  NextRows(const MatmulArguments& a, int first_row, int n_pauses) {
    const int next_row = first_row + kRowsAtOnce;
    if (next_row >= a.n_rows) return;
    const int n_rows = std::min(kRowsAtOnce, a.n_rows - next_row);
    next_ =
        reinterpret_cast<const char*>(a.weights + a.row_bytes * static_cast<std::size_t>(next_row));
    n_lines_ = static_cast<int>(a.row_bytes * static_cast<std::size_t>(n_rows) / 64);
    n_lines_each_ = (n_lines_ + n_pauses - 1) / n_pauses;
  }
  void read_some() {
    const int n = std::min(n_lines_each_, n_lines_);
    for (int i = 0; i < n; ++i, next_ += 64) _mm_prefetch(next_, _MM_HINT_T1);
    n_lines_ -= n;
  }

 private:
  const char* next_ = nullptr;
  int n_lines_ = 0;
  int n_lines_each_ = 0;
};

using TokenSums = float[kRowsAtOnce];

/// unpack(rows, step, p): fills panel p with step `step` of the blocks of rows[0..15].
/// multiply_tile(group, step, x, n, sums): adds the panels times n tokens to sums[0..n - 1].
template <typename Unpack, typename Tile>
void walk_panels(const MatmulArguments& a, int n_steps, Unpack unpack, Tile multiply_tile) {
  alignas(64) TokenSums sums[kTokensAtOnce];
  const int n_tiles = (a.n_tokens + kTileTokens - 1) / kTileTokens;
  const int n_pauses = n_steps * (kGroupsAtOnce + n_tiles);
  for (int row = 0; row < a.n_rows; row += kRowsAtOnce) {
    const RowGroup group = row_group(a, row);
    NextRows next_rows(a, row, n_pauses);
    for (int first = 0; first < a.n_tokens; first += kTokensAtOnce) {
      const int n_tokens = std::min(kTokensAtOnce, a.n_tokens - first);
      std::memset(sums, 0, sizeof(TokenSums) * static_cast<std::size_t>(n_tokens));
      for (int step = 0; step < n_steps; ++step) {
        for (int p = 0; p < group.n_panels; ++p) {
          next_rows.read_some();
          unpack(group.rows + p * kPanelRows, step, p);
        }
        for (int t = 0; t < n_tokens; t += kTileTokens) {
          next_rows.read_some();
          multiply_tile(group, step, a.x + first + t, std::min(kTileTokens, n_tokens - t),
                        sums + t);
        }
      }
      for (int t = 0; t < n_tokens; ++t) {
        std::memcpy(a.y[first + t] + row, sums[t],
                    static_cast<std::size_t>(group.n_rows) * sizeof(float));
      }
    }
  }
}

}  // namespace jevons::kernels
JEVONS_TARGET_END
