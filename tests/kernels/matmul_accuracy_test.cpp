// The scalar kernels against dequantise-then-multiply in double, within derived bounds.
//
// Let a block of activations have scale s = m / 127. Its numbers are rounded to the nearest
// multiple of s: |x - s * q| <= s * (1/2 + 127 * 6 * 2^-24), where the small term stands for the
// roundings of m / 127, 127 / m and their products. So rounding the activations moves a row's
// result by at most the sum of |w| times that.
//
// The rest is float rounding. A block's terms are a product of scales (one rounding), an integer
// turned to float (one) and a fused multiply-add (one) to a sum that goes through at most two such
// additions for each block: at most (2 * n_blocks + 2) roundings of 2^-24, of a magnitude that is
// at most the sum over all elements of (|scale * quant| + |minimum|) * |s * q|. For the formats
// without blocks there are n / 16 additions to a lane and four between lanes, of magnitude
// sum |w * x|, and for BF16 the activations' own rounding, 2^-9 of each.
#include <gtest/gtest.h>

#include <cmath>

#include "kernels/block_unpack.h"
#include "kernels/dequantize.h"
#include "tests/kernels/matmul_fixture.h"

namespace jevons::kernels {
namespace {

constexpr double kRounding = 0x1p-24;

/// For each element of a row |scale * quant| + |minimum|, which bounds its part of the sums.
std::vector<double> magnitudes_of(const UnpackedSmall& block) {
  std::vector<double> out;
  for (const std::int8_t quant : block.quants) {
    out.push_back(std::abs(static_cast<double>(block.scale) * quant) + std::abs(block.minimum));
  }
  return out;
}

std::vector<double> magnitudes_of(const UnpackedSuper& block) {
  std::vector<double> out;
  for (int i = 0; i < kSuperBlock; ++i) {
    out.push_back(
        std::abs(static_cast<double>(block.scale) * block.scales[i / 16] * block.quants[i]) +
        std::abs(static_cast<double>(block.minimum) * block.minimums[i / 16]));
  }
  return out;
}

template <typename Block>
std::vector<double> row_magnitudes(const std::byte* row, int n_columns) {
  std::vector<double> out;
  for (; out.size() < static_cast<std::size_t>(n_columns); row += sizeof(Block)) {
    Block block;
    std::memcpy(&block, row, sizeof(block));
    const std::vector<double> of_block = magnitudes_of(unpack(block));
    out.insert(out.end(), of_block.begin(), of_block.end());
  }
  return out;
}

std::vector<double> row_magnitudes(WeightFormat format, const std::byte* row, int n_columns,
                                   const std::vector<float>& w) {
  switch (format) {
    case WeightFormat::kQ4_0:
      return row_magnitudes<BlockQ4_0>(row, n_columns);
    case WeightFormat::kQ4_1:
      return row_magnitudes<BlockQ4_1>(row, n_columns);
    case WeightFormat::kQ5_0:
      return row_magnitudes<BlockQ5_0>(row, n_columns);
    case WeightFormat::kQ5_1:
      return row_magnitudes<BlockQ5_1>(row, n_columns);
    case WeightFormat::kQ8_0:
      return row_magnitudes<BlockQ8_0>(row, n_columns);
    case WeightFormat::kIQ4_NL:
      return row_magnitudes<BlockIQ4_NL>(row, n_columns);
    case WeightFormat::kQ2_K:
      return row_magnitudes<BlockQ2_K>(row, n_columns);
    case WeightFormat::kQ3_K:
      return row_magnitudes<BlockQ3_K>(row, n_columns);
    case WeightFormat::kQ4_K:
      return row_magnitudes<BlockQ4_K>(row, n_columns);
    case WeightFormat::kQ5_K:
      return row_magnitudes<BlockQ5_K>(row, n_columns);
    case WeightFormat::kQ6_K:
      return row_magnitudes<BlockQ6_K>(row, n_columns);
    case WeightFormat::kIQ4_XS:
      return row_magnitudes<BlockIQ4_XS>(row, n_columns);
    case WeightFormat::kF32:
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
      break;
  }
  std::vector<double> out;
  for (const float value : w) out.push_back(std::abs(value));
  return out;
}

/// Largest |x - encoded x| of each element.
std::vector<double> activation_errors(ActivationFormat format, const std::vector<float>& x) {
  std::vector<double> errors(x.size(), 0.0);
  if (format == ActivationFormat::kF32) return errors;
  if (format == ActivationFormat::kBF16) {
    for (std::size_t i = 0; i < x.size(); ++i) errors[i] = std::abs(x[i]) * 0x1p-9;
    return errors;
  }
  const std::size_t block = format == ActivationFormat::kQ8Super ? kSuperBlock : kSmallBlock;
  for (std::size_t first = 0; first < x.size(); first += block) {
    float largest = 0.0F;
    for (std::size_t i = first; i < first + block; ++i) largest = std::max(largest, std::abs(x[i]));
    const double error = largest / 127.0 * (0.5 + 127.0 * 6.0 * kRounding);
    for (std::size_t i = first; i < first + block; ++i) errors[i] = error;
  }
  return errors;
}

class MatmulAccuracy : public testing::TestWithParam<WeightFormat> {};
/// The same for the formats whose activations are rounded to int8.
class Int8Accuracy : public testing::TestWithParam<WeightFormat> {};

TEST_P(MatmulAccuracy, IsDequantiseThenMultiplyWithinTheBound) {
  constexpr int kRows = 24;
  constexpr int kTokens = 6;
  const WeightFormat format = GetParam();
  std::mt19937 random(99);
  const KernelSet& set = kernel_set(Isa::kScalar);
  for (const int n_columns : {256, 768, 3072}) {
    const Matrix matrix{format, n_columns,
                        make_weights(format, kRows, n_columns, Content::kRandom, random)};
    std::vector<std::vector<float>> tokens;
    for (int t = 0; t < kTokens; ++t) {
      tokens.push_back(make_activations(n_columns, Content::kRandom, random));
    }
    const EncodedTokens x(set, format, tokens);
    const auto y = multiply(set, matrix, 0, kRows, x.pointers(), kTokens);
    const int n_additions = facts(format).block_elements == 1
                                ? n_columns / 16 + 4 + 2
                                : 2 * n_columns / facts(format).block_elements + 2;
    for (std::size_t r = 0; r < kRows; ++r) {
      const std::byte* row = matrix.bytes.data() + r * row_bytes(format, n_columns);
      std::vector<float> w(static_cast<std::size_t>(n_columns));
      dequantize_row(format, row, w.data(), n_columns);
      const auto magnitudes = row_magnitudes(format, row, n_columns, w);
      for (std::size_t t = 0; t < kTokens; ++t) {
        const auto errors = activation_errors(set.activation_format(format), tokens[t]);
        double exact = 0.0;
        double bound = 0.0;
        for (std::size_t i = 0; i < w.size(); ++i) {
          exact += static_cast<double>(w[i]) * tokens[t][i];
          // A dequantised weight is itself rounded once.
          bound += std::abs(w[i]) * (errors[i] + kRounding * std::abs(tokens[t][i]));
          bound += n_additions * kRounding * magnitudes[i] * (std::abs(tokens[t][i]) + errors[i]);
        }
        EXPECT_LE(std::abs(y[t][r] - exact), bound)
            << format_name(format) << " columns " << n_columns << " row " << r << " token " << t;
      }
    }
  }
}

// A worst case says little about the usual one: rounding errors of independent sign grow with the
// square root. An error of s / sqrt(12) each gives a standard deviation, of which six are allowed.
TEST_P(Int8Accuracy, ErrorsAreThoseOfIndependentRoundings) {
  const WeightFormat format = GetParam();
  const KernelSet& set = kernel_set(Isa::kScalar);
  const ActivationFormat activation = set.activation_format(format);
  constexpr int kColumns = 3072;
  constexpr int kRows = 64;
  std::mt19937 random(5);
  const Matrix matrix{format, kColumns,
                      make_weights(format, kRows, kColumns, Content::kRandom, random)};
  const std::vector<std::vector<float>> tokens{
      make_activations(kColumns, Content::kRandom, random)};
  const EncodedTokens x(set, format, tokens);
  const auto y = multiply(set, matrix, 0, kRows, x.pointers(), 1);
  const auto errors = activation_errors(activation, tokens[0]);
  for (std::size_t r = 0; r < kRows; ++r) {
    std::vector<float> w(kColumns);
    dequantize_row(format, matrix.bytes.data() + r * row_bytes(format, kColumns), w.data(),
                   kColumns);
    double exact = 0.0;
    double variance = 0.0;
    for (std::size_t i = 0; i < kColumns; ++i) {
      exact += static_cast<double>(w[i]) * tokens[0][i];
      variance += std::pow(w[i] * 2.0 * errors[i], 2.0) / 12.0;
    }
    EXPECT_LE(std::abs(y[0][r] - exact), 6.0 * std::sqrt(variance)) << "row " << r;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, MatmulAccuracy, testing::ValuesIn(kAllWeightFormats),
                         [](const auto& format) { return format_name(format.param); });
INSTANTIATE_TEST_SUITE_P(Formats, Int8Accuracy,
                         testing::Values(WeightFormat::kQ4_0, WeightFormat::kQ4_1,
                                         WeightFormat::kQ5_0, WeightFormat::kQ5_1,
                                         WeightFormat::kQ8_0, WeightFormat::kQ2_K,
                                         WeightFormat::kQ3_K, WeightFormat::kQ4_K,
                                         WeightFormat::kQ5_K, WeightFormat::kQ6_K,
                                         WeightFormat::kIQ4_NL, WeightFormat::kIQ4_XS),
                         [](const auto& format) { return format_name(format.param); });

}  // namespace
}  // namespace jevons::kernels
