#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
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
