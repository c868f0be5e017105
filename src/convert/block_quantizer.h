// Floats to the blocks of a GGUF format. Plain code, no contraction: the same input gives the same
// bytes on every machine and for any split over threads. Nothing is kept; any thread may call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/block_formats.h"

namespace jevons {

/// F32, F16, BF16, Q8_0, Q4_K and Q6_K.
[[nodiscard]] bool can_quantize_to(kernels::WeightFormat format);

/// One row of `n_columns` finite values below 65504 (a multiple of the format's block) to `out`,
/// row_bytes(format, n_columns) long.
///
/// Q8_0 rounds to the nearest. Q4_K and Q6_K look for scales (and minimums) by least squares,
/// where errors at large weights count more: an error is weighted with |x| plus the block's root
/// mean square. First each sub-block is fitted alone, from several guesses of its range; then, with
/// the scales rounded to 6 or 8 bits, their neighbours are tried, and the block's own scale and
/// minimum are fitted again to the quants that came out.
void quantize_row(kernels::WeightFormat format, const float* x, std::int64_t n_columns,
                  std::byte* out);

// One block each. x: [32] for Q8_0, [256] for the others
void quantize_block(const float* x, kernels::BlockQ4_K& block);
void quantize_block(const float* x, kernels::BlockQ8_0& block);
void quantize_block(const float* x, kernels::BlockQ6_K& block);

}  // namespace jevons
