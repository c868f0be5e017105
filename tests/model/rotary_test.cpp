#include "model/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace jevons {
namespace {

TEST(Rotary, FrequenciesFallFromOneToOneOverTheta) {
  const auto frequencies = rotary_frequencies(5e6, 64);
  ASSERT_EQ(frequencies.size(), 32U);
  EXPECT_DOUBLE_EQ(frequencies[0], 1.0);
  EXPECT_NEAR(frequencies[16], 1.0 / std::sqrt(5e6), 1e-12);
  EXPECT_NEAR(frequencies[31] * std::pow(5e6, 62.0 / 64.0), 1.0, 1e-12);
}

TEST(Rotary, AnglesStayExactAtTheEndOfTheContext) {
  const auto frequencies = rotary_frequencies(5e6, 64);
  std::vector<float> cosines(32);
  std::vector<float> sines(32);
  rotary_angles(frequencies, 196607, cosines.data(), sines.data());
  for (std::size_t i = 0; i < 32; ++i) {
    const long double angle = 196607.0L * powl(5e6L, -2.0L * static_cast<long double>(i) / 64.0L);
    EXPECT_NEAR(cosines[i], static_cast<double>(cosl(angle)), 1e-7) << i;
    EXPECT_NEAR(sines[i], static_cast<double>(sinl(angle)), 1e-7) << i;
  }
}

}  // namespace
}  // namespace jevons
