// The definition of the matrix kernels (matmul_kernels.h has it in words). Also what runs on
// machines without AVX2 or NEON.
#include <cmath>
#include <cstring>

#include "kernels/block_unpack.h"
#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"

namespace jevons::kernels {
namespace {

float add_block(const UnpackedSmall& w, bool has_minimum, const ActivationQ8Small& x, float y) {
  std::int32_t dot = 0;
  for (int i = 0; i < kSmallBlock; ++i) dot += w.quants[i] * x.quants[i];
  y = std::fma(w.scale * x.scale, static_cast<float>(dot), y);
  if (has_minimum) y = std::fma(w.minimum * x.scale, static_cast<float>(x.sum), y);
  return y;
}

float add_block(const UnpackedSuper& w, bool has_minimum, const ActivationQ8Super& x, float y) {
  std::int32_t dot = 0;
  std::int32_t minimums = 0;
  for (int j = 0; j < kSuperBlock / 16; ++j) {
    std::int32_t part = 0;
    for (int i = 16 * j; i < 16 * j + 16; ++i) part += w.quants[i] * x.quants[i];
    dot += w.scales[j] * part;
    minimums += w.minimums[j] * x.sums[j];
  }
  y = std::fma(w.scale * x.scale, static_cast<float>(dot), y);
  if (has_minimum) y = std::fma(-(w.minimum * x.scale), static_cast<float>(minimums), y);
  return y;
}

/// One row and one block of it at a time, multiplied with all tokens.
template <typename Block, typename Activation, bool kHasMinimum>
void matmul_blocks(const MatmulArguments& a) {
  const auto n_blocks =
      static_cast<std::size_t>(a.n_columns) /
      (sizeof(Activation) == sizeof(ActivationQ8Super) ? kSuperBlock : kSmallBlock);
  for (int row = 0; row < a.n_rows; ++row) {
    const std::byte* w = a.weights + a.row_bytes * static_cast<std::size_t>(row);
    for (int t = 0; t < a.n_tokens; ++t) a.y[t][row] = 0.0F;
    for (std::size_t b = 0; b < n_blocks; ++b) {
      Block block;
      std::memcpy(&block, w + b * sizeof(Block), sizeof(Block));
      const auto unpacked = unpack(block);
      for (int t = 0; t < a.n_tokens; ++t) {
        const auto* x = reinterpret_cast<const Activation*>(a.x[t]);
        a.y[t][row] = add_block(unpacked, kHasMinimum, x[b], a.y[t][row]);
      }
    }
  }
}

float to_float(float value) { return value; }

template <typename T>
T load(const std::byte* bytes, int i) {
  T value;
  std::memcpy(&value, bytes + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

/// `widen` turns a stored number into a float.
template <typename Weight, typename Activation, auto kWidenWeight, auto kWidenActivation>
void matmul_floats(const MatmulArguments& a) {
  for (int row = 0; row < a.n_rows; ++row) {
    const std::byte* w = a.weights + a.row_bytes * static_cast<std::size_t>(row);
    for (int t = 0; t < a.n_tokens; ++t) {
      float lanes[kFloatLanes] = {};
      for (int i = 0; i < a.n_columns; ++i) {
        float& lane = lanes[i % kFloatLanes];
        lane = std::fma(kWidenWeight(load<Weight>(w, i)),
                        kWidenActivation(load<Activation>(a.x[t], i)), lane);
      }
      for (int half = kFloatLanes / 2; half > 0; half /= 2) {
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
      }
      a.y[t][row] = lanes[0];
    }
  }
}

template <typename Block, bool kHasMinimum>
void fill_small(KernelSet& set, WeightFormat format) {
  set.matmuls[format_index(format)] = matmul_blocks<Block, ActivationQ8Small, kHasMinimum>;
  set.activation_formats[format_index(format)] = ActivationFormat::kQ8Small;
}

template <typename Block, bool kHasMinimum>
void fill_super(KernelSet& set, WeightFormat format) {
  set.matmuls[format_index(format)] = matmul_blocks<Block, ActivationQ8Super, kHasMinimum>;
  set.activation_formats[format_index(format)] = ActivationFormat::kQ8Super;
}

}  // namespace

void fill_matmul_scalar(KernelSet& set) {
  fill_small<BlockQ4_0, false>(set, WeightFormat::kQ4_0);
  fill_small<BlockQ4_1, true>(set, WeightFormat::kQ4_1);
  fill_small<BlockQ5_0, false>(set, WeightFormat::kQ5_0);
  fill_small<BlockQ5_1, true>(set, WeightFormat::kQ5_1);
  fill_small<BlockQ8_0, false>(set, WeightFormat::kQ8_0);
  fill_small<BlockIQ4_NL, false>(set, WeightFormat::kIQ4_NL);
  fill_super<BlockQ2_K, true>(set, WeightFormat::kQ2_K);
  fill_super<BlockQ3_K, false>(set, WeightFormat::kQ3_K);
  fill_super<BlockQ4_K, true>(set, WeightFormat::kQ4_K);
  fill_super<BlockQ5_K, true>(set, WeightFormat::kQ5_K);
  fill_super<BlockQ6_K, false>(set, WeightFormat::kQ6_K);
  fill_super<BlockIQ4_XS, false>(set, WeightFormat::kIQ4_XS);

  const auto f32_index = format_index(WeightFormat::kF32);
  set.matmuls[f32_index] = matmul_floats<float, float, to_float, to_float>;
  set.activation_formats[f32_index] = ActivationFormat::kF32;
  const auto f16_index = format_index(WeightFormat::kF16);
  set.matmuls[f16_index] = matmul_floats<f16, float, f16_to_float, to_float>;
  set.activation_formats[f16_index] = ActivationFormat::kF32;
  const auto bf16_index = format_index(WeightFormat::kBF16);
  set.matmuls[bf16_index] = matmul_floats<bf16, bf16, bf16_to_float, bf16_to_float>;
  set.activation_formats[bf16_index] = ActivationFormat::kBF16;

  fill_encoders_scalar(set);
}

}  // namespace jevons::kernels
