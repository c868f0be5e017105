// Rows of nearly normal random weights, made in any format directly: random quants under suitable
// scales, without quantising floats first. Immutable; any thread may call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "convert/random_numbers.h"
#include "kernels/block_formats.h"

namespace jevons {

/// Writes one row of `n_columns` weights (a multiple of the format's block) with mean near 0 and
/// standard deviation near `deviation` to `out`, row_bytes(format, n_columns) long.
void fill_random_row(kernels::WeightFormat format, float deviation, RandomNumbers& random,
                     std::int64_t n_columns, std::byte* out);

}  // namespace jevons
