#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "engine/engine.h"

namespace jevons {
namespace {

SamplingParams plain(std::uint64_t seed) {
  SamplingParams params;
  params.temperature = 1.0F;
  params.top_k = 0;
  params.top_p = 1.0F;
  params.seed = seed;
  return params;
}

// How often each token comes when the same logits are sampled n times.
std::map<std::int32_t, int> draw_many(const SamplingParams& params,
                                      const std::vector<float>& logits, int n) {
  std::map<std::int32_t, int> counts;
  Sampler sampler(params, {});
  for (int i = 0; i < n; ++i) ++counts[sampler.sample(logits).value()];
  return counts;
}

TEST(Sampler, GreedyTakesTheLargestAndTheLowestOfEquals) {
  SamplingParams params = plain(1);
  params.temperature = 0;
  Sampler sampler(params, {});
  EXPECT_EQ(sampler.sample(std::vector<float>{0, 3, 1, 3}).value(), 1);
}

TEST(Sampler, FrequenciesFollowTheSoftmax) {
  const std::vector<float> logits = {std::log(1.0F), std::log(2.0F), std::log(5.0F)};
  const auto counts = draw_many(plain(7), logits, 80000);
  // Three standard deviations of a binomial with n = 80,000 are below 0.006.
  EXPECT_NEAR(counts.at(0) / 80000.0, 1.0 / 8, 0.006);
  EXPECT_NEAR(counts.at(1) / 80000.0, 2.0 / 8, 0.006);
  EXPECT_NEAR(counts.at(2) / 80000.0, 5.0 / 8, 0.006);
}

TEST(Sampler, TemperatureSharpensAsAPower) {
  SamplingParams params = plain(3);
  params.temperature = 0.5F;
  const auto counts = draw_many(params, {std::log(1.0F), std::log(3.0F)}, 80000);
  EXPECT_NEAR(counts.at(1) / 80000.0, 9.0 / 10, 0.006);
}

TEST(Sampler, TopKKeepsExactlyK) {
  SamplingParams params = plain(5);
  params.top_k = 2;
  const auto counts = draw_many(params, {0.1F, 0.4F, 0.3F, 0.2F}, 4000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(1) && counts.contains(2));
}

TEST(Sampler, TopPKeepsTheSmallestSetThatReachesIt) {
  SamplingParams params = plain(5);
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  params.top_p = 0.6F;
  EXPECT_EQ(draw_many(params, logits, 4000).size(), 2U);
  params.top_p = 0.0F;
  EXPECT_EQ(draw_many(params, logits, 4000).size(), 1U);
}

TEST(Sampler, MinPComparesWithTheLikeliest) {
  SamplingParams params = plain(5);
  params.min_p = 0.5F;
  const std::vector<float> logits = {std::log(0.5F), std::log(0.3F), std::log(0.2F)};
  EXPECT_EQ(draw_many(params, logits, 4000).size(), 2U);  // 0.3 / 0.5 stays, 0.2 / 0.5 goes
}

TEST(Sampler, RepetitionPenaltyLooksAtThePromptWindowOnly) {
  SamplingParams params = plain(1);
  params.temperature = 0;
  params.repetition_penalty = 2.0F;
  params.penalty_window = 2;
  const std::vector<std::int32_t> history = {0, 1, 2};
  // Token 0 has left the window; 1 is halved to 2.5, and 2, negative, is doubled.
  Sampler sampler(params, history);
  EXPECT_EQ(sampler.sample(std::vector<float>{3, 5, -1, 0}).value(), 0);
}

TEST(Sampler, PresenceAndFrequencyCountTheAnswerOnly) {
  SamplingParams params = plain(1);
  params.temperature = 0;
  params.presence_penalty = 1.0F;
  params.frequency_penalty = 0.5F;
  const std::vector<std::int32_t> history = {0, 0, 0};
  Sampler sampler(params, history);
  const std::vector<float> logits = {3.0F, 1.0F};
  EXPECT_EQ(sampler.sample(logits).value(), 0);  // 3.0: the prompt does not count
  EXPECT_EQ(sampler.sample(logits).value(), 0);  // 3.0 - 1.0 - 0.5
  EXPECT_EQ(sampler.sample(logits).value(), 0);  // 3.0 - 1.0 - 1.0, a tie: the lower id
  EXPECT_EQ(sampler.sample(logits).value(), 1);  // 3.0 - 1.0 - 1.5
}

TEST(Sampler, LogitBiasMovesTheChoice) {
  SamplingParams params = plain(1);
  params.temperature = 0;
  params.logit_bias = {{0, -10.0F}, {2, 1.5F}};
  Sampler sampler(params, {});
  EXPECT_EQ(sampler.sample(std::vector<float>{5, 1, 0}).value(), 2);
}

TEST(Sampler, SameSeedSameTokens) {
  std::vector<float> logits(1000);
  for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = std::sin(static_cast<float>(i));
  SamplingParams params = plain(11);
  Sampler a(params, {});
  Sampler b(params, {});
  params.seed = 12;
  Sampler c(params, {});
  int differences = 0;
  for (int i = 0; i < 200; ++i) {
    const auto token = a.sample(logits).value();
    EXPECT_EQ(token, b.sample(logits).value());
    differences += token != c.sample(logits).value() ? 1 : 0;
  }
  EXPECT_GT(differences, 150);
}

// The filters by their definition: sort everything, cut, draw. What the sampler does without
// sorting.
std::int32_t draw_naively(const SamplingParams& params, std::span<const float> logits,
                          TokenMask allowed, std::mt19937_64& random) {
  std::vector<std::pair<float, std::int32_t>> order;
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!allowed.empty() && (allowed[id / 64] >> (id % 64) & 1) == 0) continue;
    order.emplace_back(-logits[id], static_cast<std::int32_t>(id));
  }
  std::sort(order.begin(), order.end());
  if (params.temperature == 0.0F) return order.front().second;
  if (params.top_k > 0 && order.size() > static_cast<std::size_t>(params.top_k)) {
    order.resize(static_cast<std::size_t>(params.top_k));
  }
  std::vector<double> weights;
  double total = 0;
  for (const auto& [negative, id] : order) {
    weights.push_back(std::exp((double{order.front().first} - negative) / params.temperature));
    total += weights.back();
  }
  std::size_t kept = 0;
  double sum = 0;
  while (kept < order.size() && (kept == 0 || params.top_p >= 1 || sum < params.top_p * total)) {
    if (kept > 0 && weights[kept] < params.min_p) break;
    sum += weights[kept++];
  }
  double rest = static_cast<double>(random() >> 11) * 0x1.0p-53 * sum;
  for (std::size_t i = 0; i < kept; ++i) {
    rest -= weights[i];
    if (rest < 0) return order[i].second;
  }
  return order[kept - 1].second;
}

TEST(Sampler, DrawsWhatTheDefinitionDraws) {
  std::mt19937 random(17);
  std::normal_distribution<float> normal(0, 3);
  for (int round = 0; round < 400; ++round) {
    std::vector<float> logits(60 + random() % 700);
    // Whole numbers now and then, so that there are equals.
    for (float& logit : logits)
      logit = round % 2 == 0 ? normal(random) : std::round(normal(random));
    std::vector<std::uint64_t> mask((logits.size() + 63) / 64);
    for (std::uint64_t& word : mask) word = random() & (std::uint64_t{random()} << 32 | random());
    mask[0] |= 1;
    const TokenMask allowed = random() % 2 == 0 ? TokenMask(mask) : TokenMask();
    SamplingParams params = plain(random());
    params.temperature = static_cast<float>(random() % 3) * 0.7F;
    params.top_k = static_cast<int>(random() % 3) * 25;
    // Without a cut the order of the draw is that of the ids, and another token comes of it.
    params.top_p = params.top_k == 0 || random() % 2 == 0 ? 0.8F : 1.0F;
    params.min_p = random() % 2 == 0 ? 0.02F : 0.0F;
    Sampler sampler(params, {});
    std::mt19937_64 twin(*params.seed);
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(sampler.sample(logits, allowed).value(),
                draw_naively(params, logits, allowed, twin));
    }
  }
}

TEST(Sampler, WithoutFiltersAMaskLeavesTheSoftmaxOfWhatItAllows) {
  const std::vector<float> logits = {std::log(1.0F), std::log(9.0F), std::log(3.0F)};
  const std::vector<std::uint64_t> mask = {0b101};
  Sampler sampler(plain(7), {});
  std::map<std::int32_t, int> counts;
  for (int i = 0; i < 80000; ++i) ++counts[sampler.sample(logits, mask).value()];
  EXPECT_EQ(counts.count(1), 0U);
  EXPECT_NEAR(counts.at(0) / 80000.0, 1.0 / 4, 0.006);
}

TEST(Sampler, AMaskThatAllowsNothingIsAnError) {
  const std::vector<std::uint64_t> mask = {0};
  EXPECT_FALSE(Sampler(plain(1), {}).sample(std::vector<float>{1, 2}, mask));
}

TEST(Largest, AreThoseOfAFullSort) {
  std::mt19937 random(23);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits(1 + random() % 500);
    for (float& logit : logits) logit = static_cast<float>(random() % 50) - 25;
    std::vector<std::int32_t> order(logits.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int32_t a, std::int32_t b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const std::size_t n = random() % 30;
    order.resize(std::min(n, order.size()));
    EXPECT_EQ(largest(logits, n), order);
  }
}

TEST(Sampler, RefusesWhatIsNotANumber) {
  Sampler sampler(plain(1), {});
  const auto token = sampler.sample(std::vector<float>{0, std::nanf(""), 1});
  ASSERT_FALSE(token);
  EXPECT_NE(token.error().message.find("token 1"), std::string::npos) << token.error().message;
  EXPECT_FALSE(sampler.sample(std::vector<float>{std::numeric_limits<float>::infinity(), 0}));
}

TEST(LogSumExp, SurvivesLargeLogits) {
  EXPECT_NEAR(log_sum_exp(std::vector<float>{1000, 1000}), 1000 + std::log(2.0), 1e-9);
}

TEST(Validate, NamesTheFieldAndTheRange) {
  SamplingParams params;
  EXPECT_TRUE(validate(params));
  params.top_p = 1.5F;
  const auto result = validate(params);
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("top_p is 1.5"), std::string::npos);
  params.top_p = std::nanf("");
  EXPECT_FALSE(validate(params));
}

}  // namespace
}  // namespace jevons
