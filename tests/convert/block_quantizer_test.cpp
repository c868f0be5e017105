#include "convert/block_quantizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "convert/random_numbers.h"
#include "kernels/dequantize.h"
#include "kernels/float_formats.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

std::vector<float> roundtrip(WeightFormat format, const std::vector<float>& x) {
  const auto n = static_cast<int>(x.size());
  std::vector<std::byte> row(kernels::row_bytes(format, n));
  quantize_row(format, x.data(), n, row.data());
  std::vector<float> y(x.size());
  kernels::dequantize_row(format, row.data(), y.data(), n);
  return y;
}

double squared_error(const std::vector<float>& x, const std::vector<float>& y) {
  double error = 0;
  for (std::size_t i = 0; i < x.size(); ++i) error += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
  return error;
}

/// Four bits with exact float scale and minimum for each 32 values, from their least to their
/// most: what a quantiser without a search does, with scales better than any Q4_K block can hold.
std::vector<float> naive_4_bits(const std::vector<float>& x) {
  std::vector<float> y(x.size());
  for (std::size_t i = 0; i < x.size(); i += 32) {
    const auto [least, most] = std::minmax_element(x.begin() + i, x.begin() + i + 32);
    const float low = std::min(0.0f, *least);
    const float scale = (*most - low) / 15.0f;
    for (std::size_t k = i; k < i + 32; ++k) {
      y[k] = scale > 0 ? low + scale * std::round((x[k] - low) / scale) : low;
    }
  }
  return y;
}

std::vector<float> values(std::uint64_t seed, const std::function<float(RandomNumbers&)>& draw) {
  RandomNumbers random(seed);
  std::vector<float> x(256 * 64);
  for (float& value : x) value = draw(random);
  return x;
}

struct Distribution {
  const char* name;
  std::function<float(RandomNumbers&)> draw;
};
const Distribution kDistributions[] = {
    {"normal", [](RandomNumbers& r) { return 0.02f * r.normal(); }},
    {"heavy tails",
     [](RandomNumbers& r) { return 0.02f * r.normal() * (r.below(50) == 0 ? 6.0f : 1.0f); }},
    {"even", [](RandomNumbers& r) { return r.uniform() - 0.5f; }},
    {"positive", [](RandomNumbers& r) { return 1.0f + 0.1f * r.normal(); }},
    {"sparse", [](RandomNumbers& r) { return r.below(10) == 0 ? r.normal() : 0.0f; }},
};

TEST(BlockQuantizer, Q4KBeatsMinimumToMaximum) {
  for (const Distribution& distribution : kDistributions) {
    const auto x = values(7, distribution.draw);
    const double naive = squared_error(x, naive_4_bits(x));
    const double ours = squared_error(x, roundtrip(WeightFormat::kQ4_K, x));
    EXPECT_LT(ours, 0.95 * naive) << distribution.name;
    RecordProperty(distribution.name, std::to_string(ours / naive));
  }
}

TEST(BlockQuantizer, RelativeErrorsAreThoseOfTheBits) {
  // Root mean square error as a part of the root mean square, for normal values: measured once,
  // rounded up. Four bits with a fitted range leave about 1/13, six bits 1/60, eight 1/200.
  const auto x = values(3, kDistributions[0].draw);
  const double power = squared_error(x, std::vector<float>(x.size(), 0.0f));
  const auto relative = [&](WeightFormat format) {
    return std::sqrt(squared_error(x, roundtrip(format, x)) / power);
  };
  EXPECT_LT(relative(WeightFormat::kQ4_K), 0.075);
  EXPECT_LT(relative(WeightFormat::kQ6_K), 0.018);
  EXPECT_LT(relative(WeightFormat::kQ8_0), 0.0055);
  EXPECT_LT(relative(WeightFormat::kF16), 0.0003);
  EXPECT_LT(relative(WeightFormat::kBF16), 0.002);
  EXPECT_EQ(relative(WeightFormat::kF32), 0.0);
}

TEST(BlockQuantizer, NoValueIsFarOff) {
  for (const Distribution& distribution : kDistributions) {
    const auto x = values(11, distribution.draw);
    for (const auto& [format, steps] :
         {std::pair{WeightFormat::kQ4_K, 15.0f}, std::pair{WeightFormat::kQ6_K, 62.0f},
          std::pair{WeightFormat::kQ8_0, 254.0f}}) {
      const auto y = roundtrip(format, x);
      for (std::size_t block = 0; block < x.size(); block += 256) {
        const auto [least, most] = std::minmax_element(x.begin() + block, x.begin() + block + 256);
        const float range = std::max(*most, 0.0f) - std::min(*least, 0.0f);
        for (std::size_t i = block; i < block + 256; ++i) {
          // Half a step, and as much again and half for what a search cuts off at the ends.
          ASSERT_NEAR(x[i], y[i], 1.3f * range / steps)
              << distribution.name << " " << kernels::facts(format).name;
        }
      }
    }
  }
}

TEST(BlockQuantizer, ZerosAndConstantsAreExact) {
  for (const WeightFormat format :
       {WeightFormat::kQ4_K, WeightFormat::kQ6_K, WeightFormat::kQ8_0, WeightFormat::kF16}) {
    const std::vector<float> zeros(256, 0.0f);
    EXPECT_EQ(roundtrip(format, zeros), zeros) << kernels::facts(format).name;
    for (const float constant : {0.5f, -0.5f}) {
      const std::vector<float> x(256, constant);
      for (const float y : roundtrip(format, x)) {
        EXPECT_NEAR(y, constant, 0.0015f) << kernels::facts(format).name;
      }
    }
  }
}

TEST(BlockQuantizer, ValuesOnTheGridComeBack) {
  // A Q4_K block made by hand from powers of two, dequantised: quantising it again finds values
  // as good as exact.
  RandomNumbers random(5);
  std::vector<float> x(256);
  for (std::size_t sub = 0; sub < 8; ++sub) {
    for (std::size_t i = 0; i < 32; ++i) {
      const unsigned q = i == 0 ? 0 : i == 1 ? 15 : random.below(16);
      x[sub * 32 + i] = 0.0625f * static_cast<float>(q) - 0.5f;
    }
  }
  const auto y = roundtrip(WeightFormat::kQ4_K, x);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(y[i], x[i], 2e-4f);
}

TEST(BlockQuantizer, TinyAndLargeValuesStayFinite) {
  for (const float size : {1e-30f, 1e-8f, 1e-5f, 1e3f, 6e4f}) {
    RandomNumbers random(9);
    std::vector<float> x(512);
    for (float& value : x) value = size * (2.0f * random.uniform() - 1.0f);
    for (const WeightFormat format :
         {WeightFormat::kQ4_K, WeightFormat::kQ6_K, WeightFormat::kQ8_0}) {
      for (const float y : roundtrip(format, x)) {
        ASSERT_TRUE(std::isfinite(y));
        ASSERT_LE(std::fabs(y), 1.2f * size + 1e-5f);
      }
    }
  }
}

}  // namespace
}  // namespace jevons
