// Every kernel set against the scalar set, bit for bit, over shapes and contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/dequantize.h"
#include "kernels/float_formats.h"
#include "tests/kernels/matmul_fixture.h"

namespace jevons::kernels {
namespace {

class MatmulTest : public testing::TestWithParam<WeightFormat> {
 protected:
  /// A matrix and tokens of random contents: rows, tokens and blocks differ among themselves.
  void make(int n_rows, int n_columns, int n_tokens, Content weights, Content activations) {
    matrix_ = {GetParam(), n_columns,
               make_weights(GetParam(), n_rows, n_columns, weights, random_)};
    tokens_.clear();
    for (int t = 0; t < n_tokens; ++t) {
      tokens_.push_back(make_activations(n_columns, activations, random_));
    }
  }

  std::mt19937 random_{20250211};
  Matrix matrix_;
  std::vector<std::vector<float>> tokens_;
};

/// How far a BF16 sum may be from another order of adding: an error of one rounding (2^-24) for
/// each of the additions that a product goes through, of which vdpbf16ps makes two for each pair,
/// and one tree at the end; the smallest normal float for each number that it flushes to zero.
double bf16_tolerance(const Matrix& matrix, int row, const std::byte* x) {
  const std::size_t stride = row_bytes(matrix.format, matrix.n_columns);
  std::vector<float> w(static_cast<std::size_t>(matrix.n_columns));
  dequantize_row(matrix.format, matrix.bytes.data() + stride * static_cast<std::size_t>(row),
                 w.data(), matrix.n_columns);
  const auto* activations = reinterpret_cast<const bf16*>(x);
  double magnitude = 0.0;
  double flushed = 0.0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const double activation = bf16_to_float(activations[i]);
    magnitude += std::abs(w[i] * activation);
    flushed += (1.0 + std::abs(w[i]) + std::abs(activation)) *
               static_cast<double>(std::numeric_limits<float>::min());
  }
  const double n_additions = matrix.n_columns / 16.0 + 8.0;
  return 2.0 * n_additions * 0x1p-24 * magnitude + 2.0 * flushed;
}

void expect_same(const std::vector<std::vector<float>>& actual,
                 const std::vector<std::vector<float>>& expected, int first_row,
                 const Matrix& matrix, const std::byte* const* x, bool is_exact) {
  int n_wrong = 0;
  for (std::size_t t = 0; t < actual.size(); ++t) {
    for (std::size_t r = 0; r < actual[t].size(); ++r) {
      const auto row = r + static_cast<std::size_t>(first_row);
      const float a = actual[t][r];
      const float b = expected[t][row];
      if (std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b)) continue;
      if (std::isnan(a) && std::isnan(b)) continue;
      if (!is_exact && std::abs(static_cast<double>(a) - b) <=
                           bf16_tolerance(matrix, static_cast<int>(row), x[t])) {
        continue;
      }
      if (++n_wrong <= 3)
        ADD_FAILURE() << "token " << t << " row " << row << ": " << a << ", " << b;
    }
  }
  EXPECT_EQ(n_wrong, 0);
}

TEST_P(MatmulTest, EverySetGivesTheScalarBitsForEveryShape) {
  constexpr int kMaxRows = 115;
  constexpr int kMaxTokens = 66;
  const int block = block_columns(GetParam());
  const KernelSet& scalar = kernel_set(Isa::kScalar);
  for (const int n_blocks : {1, 2, 3, 4, 5, 7, 8, 9, 12, 17}) {
    make(kMaxRows, block * n_blocks, kMaxTokens, Content::kRandom, Content::kRandom);
    const EncodedTokens scalar_x(scalar, GetParam(), tokens_);
    const auto expected = multiply(scalar, matrix_, 0, kMaxRows, scalar_x.pointers(), kMaxTokens);
    for (const KernelSet& set : available_sets()) {
      const bool is_exact = GetParam() != WeightFormat::kBF16 || set.isa != Isa::kAvx512;
      const EncodedTokens x(set, GetParam(), tokens_);
      for (const int n_tokens : {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 33, 64, 66}) {
        for (const int n_rows : {1, 2, 3, 4, 5, 15, 16, 17, 31, 33, 47, 48, 49, 63, 64, 97, 115}) {
          // Few of the many shapes where the matrix is large, all where it is small.
          if (n_blocks > 5 && (n_rows + n_tokens + n_blocks) % 5 != 0) continue;
          SCOPED_TRACE(testing::Message() << set.name << ", blocks " << n_blocks << ", tokens "
                                          << n_tokens << ", rows " << n_rows);
          const int first_row = kMaxRows - n_rows;
          const auto y = multiply(set, matrix_, first_row, n_rows, x.pointers(), n_tokens);
          expect_same(y, expected, first_row, matrix_, x.pointers(), is_exact);
          if (HasFailure()) return;
        }
      }
    }
  }
}

TEST_P(MatmulTest, EverySetGivesTheScalarBitsForExtremeNumbers) {
  constexpr int kRows = 53;
  constexpr int kTokens = 13;
  const int block = block_columns(GetParam());
  const KernelSet& scalar = kernel_set(Isa::kScalar);
  for (const Content weights : kAllContents) {
    for (const Content activations : kAllContents) {
      for (int repeat = 0; repeat < 4; ++repeat) {
        make(kRows, block * 9, kTokens, weights, activations);
        const EncodedTokens scalar_x(scalar, GetParam(), tokens_);
        const auto expected = multiply(scalar, matrix_, 0, kRows, scalar_x.pointers(), kTokens);
        for (const KernelSet& set : available_sets()) {
          const bool is_exact = GetParam() != WeightFormat::kBF16 || set.isa != Isa::kAvx512;
          const EncodedTokens x(set, GetParam(), tokens_);
          for (const int n_tokens : {1, kTokens}) {
            SCOPED_TRACE(testing::Message() << set.name << ", weights " << static_cast<int>(weights)
                                            << ", activations " << static_cast<int>(activations));
            const auto y = multiply(set, matrix_, 0, kRows, x.pointers(), n_tokens);
            expect_same(y, expected, 0, matrix_, x.pointers(), is_exact);
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

TEST_P(MatmulTest, ATokenDoesNotDependOnItsCompanyInAnySet) {
  constexpr int kRows = 67;
  constexpr int kTokens = 70;
  make(kRows, block_columns(GetParam()) * 6, kTokens, Content::kRandom, Content::kRandom);
  for (const KernelSet& set : available_sets()) {
    const EncodedTokens x(set, GetParam(), tokens_);
    const auto together = multiply(set, matrix_, 0, kRows, x.pointers(), kTokens);
    for (int t = 0; t < kTokens; ++t) {
      const auto alone = multiply(set, matrix_, 0, kRows, x.pointers() + t, 1);
      for (int r = 0; r < kRows; ++r) {
        const auto i = static_cast<std::size_t>(r);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(alone[0][i]),
                  std::bit_cast<std::uint32_t>(together[static_cast<std::size_t>(t)][i]))
            << set.name << " token " << t << " row " << r;
      }
    }
  }
}

TEST_P(MatmulTest, AFaultInTheActivationsShowsInEveryResult) {
  const int n_columns = block_columns(GetParam()) * 2;
  for (const float fault :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    make(5, n_columns, 6, Content::kRandom, Content::kRandom);
    for (auto& token : tokens_) token[static_cast<std::size_t>(n_columns) - 3] = fault;
    for (const KernelSet& set : available_sets()) {
      const EncodedTokens x(set, GetParam(), tokens_);
      for (const auto& row : multiply(set, matrix_, 0, 5, x.pointers(), 6)) {
        for (const float y : row) EXPECT_FALSE(std::isfinite(y)) << set.name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, MatmulTest, testing::ValuesIn(kAllWeightFormats),
                         [](const auto& format) { return format_name(format.param); });

// Formats without blocks may have any number of columns.
TEST(MatmulFloats, RowsThatEndInTheMiddleOfAVector) {
  std::mt19937 random(7);
  for (const WeightFormat format : {WeightFormat::kF32, WeightFormat::kF16, WeightFormat::kBF16}) {
    for (int n_columns = 1; n_columns <= 70; ++n_columns) {
      const Matrix matrix{format, n_columns,
                          make_weights(format, 9, n_columns, Content::kRandom, random)};
      std::vector<std::vector<float>> tokens;
      for (int t = 0; t < 7; ++t) {
        tokens.push_back(make_activations(n_columns, Content::kRandom, random));
      }
      const EncodedTokens x(kernel_set(Isa::kScalar), format, tokens);
      const auto expected = multiply(kernel_set(Isa::kScalar), matrix, 0, 9, x.pointers(), 7);
      for (const KernelSet& set : available_sets()) {
        SCOPED_TRACE(testing::Message() << set.name << " columns " << n_columns);
        const auto y = multiply(set, matrix, 0, 9, x.pointers(), 7);
        expect_same(y, expected, 0, matrix, x.pointers(),
                    format != WeightFormat::kBF16 || set.isa != Isa::kAvx512);
      }
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
