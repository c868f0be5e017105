// Rows of a matrix that a kernel works on together. Internal to kernels/.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

/// kRows rows from first_row on. Where fewer are left, the last one stands in for the missing ones,
/// and its results are dropped.
template <int kRows>
struct MatrixRows {
  const std::byte* rows[kRows];
  int first_row, n_rows;

  MatrixRows(const MatmulArguments& a, int first)
      : first_row(first), n_rows(std::min(kRows, a.n_rows - first)) {
    for (int r = 0; r < kRows; ++r) {
      const int row = first_row + std::min(r, n_rows - 1);
      rows[r] = a.weights + a.row_bytes * static_cast<std::size_t>(row);
    }
  }
  /// sums: [kRows]; y: a token's results.
  void store(const float* sums, float* y) const {
    std::memcpy(y + first_row, sums, static_cast<std::size_t>(n_rows) * sizeof(float));
  }
};

}  // namespace jevons::kernels
