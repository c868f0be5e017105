// Weights to float, exactly: each result is the float nearest to the value that the block means.
// For embedding rows, the reference forward pass, conversion and tests. Any thread.
#pragma once

#include <cstddef>

#include "kernels/block_formats.h"

namespace jevons::kernels {

/// row: row_bytes(format, n_columns) bytes, any alignment; out: [n_columns].
/// n_columns is a multiple of the format's block.
void dequantize_row(WeightFormat format, const std::byte* row, float* out, int n_columns);

}  // namespace jevons::kernels
