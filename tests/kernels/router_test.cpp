#include "kernels/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "kernels/vector_kernels.h"

namespace jevons::kernels {
namespace {

struct Choice {
  std::vector<int> experts;
  std::vector<float> weights;
};

Choice route_of(const std::vector<float>& logits, const std::vector<float>& bias, int n_used) {
  const auto n = static_cast<std::size_t>(n_used);
  Choice choice{std::vector<int>(n, -1), std::vector<float>(n, -1.0F)};
  route(logits.data(), bias.data(), static_cast<int>(logits.size()), n_used, choice.experts.data(),
        choice.weights.data());
  return choice;
}

// The same by sorting everything.
Choice naive_route(const std::vector<float>& logits, const std::vector<float>& bias, int n_used) {
  std::vector<int> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto p = [&](int e) { return sigmoid(logits[static_cast<std::size_t>(e)]); };
  const auto score = [&](int e) { return p(e) + bias[static_cast<std::size_t>(e)]; };
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return score(a) != score(b) ? score(a) > score(b) : a < b; });
  order.resize(static_cast<std::size_t>(n_used));
  float sum = 0;
  for (const int e : order) sum += p(e);
  Choice choice{order, {}};
  for (const int e : order) choice.weights.push_back(p(e) / sum);
  return choice;
}

TEST(Router, EqualsSortingForManyShapes) {
  std::mt19937 generator(3);
  std::normal_distribution<float> normal;
  for (const int n_experts : {1, 2, 8, 32, 255, 256, 257, 600}) {
    for (const int n_used : {1, 2, 8, 32}) {
      if (n_used > n_experts) continue;
      for (int repeat = 0; repeat < 20; ++repeat) {
        std::vector<float> logits(static_cast<std::size_t>(n_experts));
        std::vector<float> bias(logits.size());
        for (float& x : logits) x = 2 * normal(generator);
        for (float& x : bias) x = 0.1F * normal(generator);
        // Few different values, so that there are ties.
        if (repeat % 2 == 1) {
          for (float& x : logits) x = std::round(x);
          std::fill(bias.begin(), bias.end(), 0.25F);
        }
        const Choice got = route_of(logits, bias, n_used);
        const Choice expected = naive_route(logits, bias, n_used);
        ASSERT_EQ(got.experts, expected.experts) << n_experts << " " << n_used;
        ASSERT_EQ(got.weights, expected.weights) << n_experts << " " << n_used;
      }
    }
  }
}

TEST(Router, BiasChoosesButDoesNotWeigh) {
  const Choice choice = route_of({0.0F, 2.0F, 0.0F, -1.0F}, {0.0F, 0.0F, 0.0F, 9.0F}, 2);
  EXPECT_EQ(choice.experts, (std::vector<int>{3, 1}));
  const double p3 = 1.0 / (1.0 + std::exp(1.0));
  const double p1 = 1.0 / (1.0 + std::exp(-2.0));
  EXPECT_NEAR(choice.weights[0], p3 / (p3 + p1), 1e-6);
  EXPECT_NEAR(choice.weights[1], p1 / (p3 + p1), 1e-6);
}

TEST(Router, TakesTheLowerIndexOfEqualScores) {
  EXPECT_EQ(route_of(std::vector<float>(256, 0.5F), std::vector<float>(256, 0.0F), 8).experts,
            (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST(Router, GivesEqualWeightsWhenEveryProbabilityIsZero) {
  const Choice choice = route_of(std::vector<float>(16, -1e6F), std::vector<float>(16, 0.0F), 4);
  EXPECT_EQ(choice.weights, std::vector<float>(4, 0.25F));
}

TEST(Router, ChoosesDistinctExpertsEvenFromNaN) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Choice choice = route_of(std::vector<float>(40, nan), std::vector<float>(40, 0.0F), 8);
  std::sort(choice.experts.begin(), choice.experts.end());
  for (int i = 0; i < 8; ++i) {
    const int expert = choice.experts[static_cast<std::size_t>(i)];
    EXPECT_TRUE(expert >= 0 && expert < 40);
    if (i > 0) {
      EXPECT_GT(expert, choice.experts[static_cast<std::size_t>(i - 1)]);
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
