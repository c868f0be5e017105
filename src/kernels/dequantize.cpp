#include "kernels/dequantize.h"

#include <cstring>

#include "kernels/block_unpack.h"
#include "kernels/float_formats.h"

namespace jevons::kernels {
namespace {

// A half has 11 bits, scale and quant together at most 13: the products below are exact, and only
// taking the minimum away rounds.
void dequantize(const UnpackedSmall& block, float* out) {
  for (int i = 0; i < kSmallBlock; ++i) {
    out[i] = block.scale * static_cast<float>(block.quants[i]) + block.minimum;
  }
}

void dequantize(const UnpackedSuper& block, float* out) {
  for (int i = 0; i < kSuperBlock; ++i) {
    const float scale = block.scale * static_cast<float>(block.scales[i / 16]);
    const float minimum = block.minimum * static_cast<float>(block.minimums[i / 16]);
    out[i] = scale * static_cast<float>(block.quants[i]) - minimum;
  }
}

template <typename Block>
void dequantize_blocks(const std::byte* row, float* out, int n_columns, int block_elements) {
  for (int i = 0; i < n_columns; i += block_elements, row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof(Block));
    dequantize(unpack(block), out + i);
  }
}

void widen_f16(const std::byte* row, float* out, int n_columns) {
  for (int i = 0; i < n_columns; ++i) {
    f16 value;
    std::memcpy(&value, row + static_cast<std::size_t>(i) * sizeof(value), sizeof(value));
    out[i] = f16_to_float(value);
  }
}

void widen_bf16(const std::byte* row, float* out, int n_columns) {
  for (int i = 0; i < n_columns; ++i) {
    bf16 value;
    std::memcpy(&value, row + static_cast<std::size_t>(i) * sizeof(value), sizeof(value));
    out[i] = bf16_to_float(value);
  }
}

}  // namespace

void dequantize_row(WeightFormat format, const std::byte* row, float* out, int n_columns) {
  const int n = n_columns;
  switch (format) {
    case WeightFormat::kF32:
      std::memcpy(out, row, static_cast<std::size_t>(n) * sizeof(float));
      return;
    case WeightFormat::kF16:
      return widen_f16(row, out, n);
    case WeightFormat::kBF16:
      return widen_bf16(row, out, n);
    case WeightFormat::kQ4_0:
      return dequantize_blocks<BlockQ4_0>(row, out, n, kSmallBlock);
    case WeightFormat::kQ4_1:
      return dequantize_blocks<BlockQ4_1>(row, out, n, kSmallBlock);
    case WeightFormat::kQ5_0:
      return dequantize_blocks<BlockQ5_0>(row, out, n, kSmallBlock);
    case WeightFormat::kQ5_1:
      return dequantize_blocks<BlockQ5_1>(row, out, n, kSmallBlock);
    case WeightFormat::kQ8_0:
      return dequantize_blocks<BlockQ8_0>(row, out, n, kSmallBlock);
    case WeightFormat::kIQ4_NL:
      return dequantize_blocks<BlockIQ4_NL>(row, out, n, kSmallBlock);
    case WeightFormat::kQ2_K:
      return dequantize_blocks<BlockQ2_K>(row, out, n, kSuperBlock);
    case WeightFormat::kQ3_K:
      return dequantize_blocks<BlockQ3_K>(row, out, n, kSuperBlock);
    case WeightFormat::kQ4_K:
      return dequantize_blocks<BlockQ4_K>(row, out, n, kSuperBlock);
    case WeightFormat::kQ5_K:
      return dequantize_blocks<BlockQ5_K>(row, out, n, kSuperBlock);
    case WeightFormat::kQ6_K:
      return dequantize_blocks<BlockQ6_K>(row, out, n, kSuperBlock);
    case WeightFormat::kIQ4_XS:
      return dequantize_blocks<BlockIQ4_XS>(row, out, n, kSuperBlock);
  }
}

}  // namespace jevons::kernels
