#include "convert/block_quantizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "convert/weighted_sums.h"
#include "kernels/float_formats.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

template <typename Block>
void quantize_blocks(const float* x, std::int64_t n_columns, int block_elements, std::byte* out) {
  for (std::int64_t i = 0; i < n_columns; i += block_elements) {
    Block block;
    quantize_block(x + i, block);
    std::memcpy(out, &block, sizeof block);
    out += sizeof block;
  }
}

template <typename Convert>
void convert_each(const float* x, std::int64_t n_columns, std::byte* out, Convert convert) {
  for (std::int64_t i = 0; i < n_columns; ++i) {
    const std::uint16_t stored = convert(x[i]);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof stored, &stored, sizeof stored);
  }
}

}  // namespace

void quantize_block(const float* x, kernels::BlockQ8_0& block) {
  float largest = 0.0f;
  for (int i = 0; i < kernels::kSmallBlock; ++i) largest = std::max(largest, std::fabs(x[i]));
  block.scale = kernels::float_to_f16(largest / 127.0f);
  // Quants are for the scale as it is stored, not as it was computed.
  const float scale = kernels::f16_to_float(block.scale);
  const float inverse = scale > 0.0f ? 1.0f / scale : 0.0f;
  for (int i = 0; i < kernels::kSmallBlock; ++i) {
    block.quants[i] = static_cast<std::int8_t>(clamp(nearest(x[i] * inverse), -127.0f, 127.0f));
  }
}

bool can_quantize_to(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
    case WeightFormat::kQ8_0:
    case WeightFormat::kQ4_K:
    case WeightFormat::kQ6_K:
      return true;
    default:
      return false;
  }
}

void quantize_row(WeightFormat format, const float* x, std::int64_t n_columns, std::byte* out) {
  const int block_elements = kernels::facts(format).block_elements;
  switch (format) {
    case WeightFormat::kF32:
      std::memcpy(out, x, static_cast<std::size_t>(n_columns) * sizeof(float));
      return;
    case WeightFormat::kF16:
      return convert_each(x, n_columns, out, kernels::float_to_f16);
    case WeightFormat::kBF16:
      return convert_each(x, n_columns, out, kernels::float_to_bf16);
    case WeightFormat::kQ8_0:
      return quantize_blocks<kernels::BlockQ8_0>(x, n_columns, block_elements, out);
    case WeightFormat::kQ4_K:
      return quantize_blocks<kernels::BlockQ4_K>(x, n_columns, block_elements, out);
    case WeightFormat::kQ6_K:
      return quantize_blocks<kernels::BlockQ6_K>(x, n_columns, block_elements, out);
    default:
      JEVONS_CHECK(can_quantize_to(format));
  }
}

}  // namespace jevons
