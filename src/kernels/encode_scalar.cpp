// The definition of the activation encoders.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"

namespace jevons::kernels {
namespace {

/// Rounds x * (127 / max|x|) to whole numbers and returns the scale. x: [n], quants: [n].
float quantize_block(const float* x, int n, std::int8_t* quants) {
  // As integers, magnitudes are ordered like the floats they are, with NaN above infinity.
  std::uint32_t largest_bits = 0;
  for (int i = 0; i < n; ++i) {
    largest_bits = std::max(largest_bits, std::bit_cast<std::uint32_t>(x[i]) & kMagnitudeMask);
  }
  const auto largest = std::bit_cast<float>(largest_bits);
  if (largest_bits >= kInfinityBits || largest < kSmallestActivation) {
    std::memset(quants, 0, static_cast<std::size_t>(n));
    return largest_bits >= kInfinityBits ? std::bit_cast<float>(kNanBits) : 0.0F;
  }
  const float inverse = 127.0F / largest;
  for (int i = 0; i < n; ++i) {
    quants[i] = static_cast<std::int8_t>(std::nearbyint(x[i] * inverse));
  }
  return largest / 127.0F;
}

void encode_q8_small(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Small*>(out);
  for (int b = 0; b < n_columns / kSmallBlock; ++b) {
    ActivationQ8Small& block = blocks[b];
    block.scale = quantize_block(x + b * kSmallBlock, kSmallBlock, block.quants);
    block.sum = 0;
    for (const std::int8_t quant : block.quants) block.sum += quant;
  }
}

void encode_q8_super(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Super*>(out);
  for (int b = 0; b < n_columns / kSuperBlock; ++b) {
    ActivationQ8Super& block = blocks[b];
    block.scale = quantize_block(x + b * kSuperBlock, kSuperBlock, block.quants);
    for (int j = 0; j < kSuperBlock / 16; ++j) {
      int sum = 0;
      for (int i = 16 * j; i < 16 * j + 16; ++i) sum += block.quants[i];
      block.sums[j] = static_cast<std::int16_t>(sum);
    }
  }
}

void encode_f32(const float* x, int n_columns, std::byte* out) {
  std::memcpy(out, x, static_cast<std::size_t>(n_columns) * sizeof(float));
}

void encode_bf16(const float* x, int n_columns, std::byte* out) {
  for (int i = 0; i < n_columns; ++i) {
    const bf16 value = float_to_bf16(x[i]);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof(value), &value, sizeof(value));
  }
}

}  // namespace

void fill_encoders_scalar(KernelSet& set) {
  set.encoders[format_index(ActivationFormat::kF32)] = encode_f32;
  set.encoders[format_index(ActivationFormat::kBF16)] = encode_bf16;
  set.encoders[format_index(ActivationFormat::kQ8Small)] = encode_q8_small;
  set.encoders[format_index(ActivationFormat::kQ8Super)] = encode_q8_super;
}

}  // namespace jevons::kernels
