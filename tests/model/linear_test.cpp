#include "model/linear.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace jevons {
namespace {

// Several matrices of different shapes in one run: every row is computed once, at its place.
TEST(Linear, TilesCoverEveryRowOfEveryJobOnce) {
  const auto& set = kernels::best_kernel_set();
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  constexpr int kColumns = 64;
  constexpr int kTokens = 3;
  std::vector<float> x(kTokens * kColumns);
  for (float& value : x) value = normal(random);
  std::vector<const std::byte*> x_rows;
  for (std::size_t t = 0; t < kTokens; ++t) {
    x_rows.push_back(reinterpret_cast<const std::byte*>(&x[t * kColumns]));
  }
  const std::vector<int> row_counts = {1, 500, 17, 16, 2049};
  std::vector<std::vector<float>> weights;
  std::vector<std::vector<float>> outputs;
  std::vector<std::vector<float*>> y_rows;
  for (const int n_rows : row_counts) {
    auto& w = weights.emplace_back(static_cast<std::size_t>(n_rows * kColumns));
    for (float& value : w) value = normal(random);
    auto& y = outputs.emplace_back(static_cast<std::size_t>(n_rows * kTokens), -1e30F);
    auto& rows = y_rows.emplace_back();
    for (int t = 0; t < kTokens; ++t) rows.push_back(y.data() + t * n_rows);
  }
  for (const int n_threads : {1, 2, 4}) {
    ThreadPool pool(n_threads);
    Linear linear(set, pool, kTokens, 8);
    std::vector<MatmulJob> jobs;
    for (std::size_t j = 0; j < row_counts.size(); ++j) {
      jobs.push_back(
          {{kernels::WeightFormat::kF32, row_counts[j], kColumns, kColumns * sizeof(float),
            reinterpret_cast<const std::byte*>(weights[j].data())},
           x_rows.data(),
           y_rows[j].data(),
           kTokens});
    }
    linear.run(jobs);
    for (std::size_t j = 0; j < row_counts.size(); ++j) {
      for (std::size_t t = 0; t < kTokens; ++t) {
        for (std::size_t r = 0; r < static_cast<std::size_t>(row_counts[j]); ++r) {
          double expected = 0;
          for (std::size_t i = 0; i < kColumns; ++i) {
            expected += static_cast<double>(weights[j][r * kColumns + i]) *
                        static_cast<double>(x[t * kColumns + i]);
          }
          ASSERT_NEAR(y_rows[j][t][r], expected, 1e-4) << "job " << j << " row " << r;
        }
      }
    }
  }
}

TEST(EncodedRows, KeepsEachWantedFormatApart) {
  const auto& set = kernels::best_kernel_set();
  EncodedRows rows(set, 2, 256);
  rows.want(kernels::WeightFormat::kF32);
  rows.want(kernels::WeightFormat::kQ8_0);
  rows.want(kernels::WeightFormat::kQ4_K);
  std::vector<float> x(256);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 100.0F;
  rows.encode_row(1, x.data());
  EXPECT_EQ(std::memcmp(rows.row(kernels::WeightFormat::kF32, 1), x.data(), 256 * sizeof(float)),
            0);
  const auto* small = reinterpret_cast<const kernels::ActivationQ8Small*>(
      rows.row(kernels::WeightFormat::kQ8_0, 1));
  EXPECT_FLOAT_EQ(small->scale, 100.0F / 127);
  const auto* super = reinterpret_cast<const kernels::ActivationQ8Super*>(
      rows.row(kernels::WeightFormat::kQ4_K, 1));
  EXPECT_FLOAT_EQ(super->scale, 155.0F / 127);
}

}  // namespace
}  // namespace jevons
