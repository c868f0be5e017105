#include "weights/expert_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

#include "convert/random_numbers.h"
#include "convert/routing_generator.h"

namespace jevons {
namespace {

using testing::HasSubstr;

void note_token(ExpertPolicy& policy, int layer, const std::vector<int>& experts) {
  std::vector<ExpertUse> used;
  used.reserve(experts.size());
  for (const int expert : experts) used.push_back({expert, 1});
  policy.note_pass(layer, 1, used);
}

// The layer's experts, those of the highest score first.
std::vector<int> ranking(const ExpertPolicy& policy, int layer) {
  std::vector<int> order(static_cast<std::size_t>(policy.n_experts()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(
      order, [&](int a, int b) { return policy.score(layer, a) > policy.score(layer, b); });
  return order;
}

// The stretch of a session as one pass.
std::vector<ExpertUse> uses_of(const RoutingTrace& trace, int layer, int first, int last) {
  std::map<int, int> counts;
  for (int token = first; token < last; ++token) {
    for (int i = 0; i < trace.n_used; ++i) ++counts[trace.at(layer, token)[i]];
  }
  std::vector<ExpertUse> uses;
  uses.reserve(counts.size());
  for (const auto& [expert, n_tokens] : counts) uses.push_back({expert, n_tokens});
  return uses;
}

// Share of a stretch's uses that the experts of the highest score cover.
double covered(const RoutingTrace& trace, int layer, const std::vector<int>& kept, int first,
               int last) {
  int n_hits = 0;
  for (int token = first; token < last; ++token) {
    for (int i = 0; i < trace.n_used; ++i) {
      n_hits += std::ranges::find(kept, trace.at(layer, token)[i]) != kept.end() ? 1 : 0;
    }
  }
  return static_cast<double>(n_hits) / ((last - first) * trace.n_used);
}

// An average over the whole past, from its definition: a pass of n tokens weighs what the memory
// leaves of each of its tokens today.
struct NaiveAverage {
  double memory;
  std::vector<std::pair<int, std::vector<ExpertUse>>> passes;

  [[nodiscard]] double of(int expert) const {
    double age = 0, weights = 0, sum = 0;
    for (auto pass = passes.rbegin(); pass != passes.rend(); ++pass) {
      const double weight = std::exp(-age / memory) - std::exp(-(age + pass->first) / memory);
      age += pass->first;
      weights += weight;
      for (const ExpertUse& use : pass->second) {
        if (use.expert == expert) sum += weight * use.n_tokens / pass->first;
      }
    }
    return weights > 0 ? sum / weights : 0;
  }
};

TEST(ExpertPolicy, IsTheMixOfTwoAveragesThatItSays) {
  constexpr int kExperts = 12;
  RandomNumbers numbers(3);
  ExpertPolicy policy(2, kExperts);
  NaiveAverage fast{2, {}}, slow{40, {}};
  for (int pass = 0; pass < 60; ++pass) {
    const int n_tokens = pass % 7 == 3 ? 1 + static_cast<int>(numbers.below(90)) : 1;
    std::vector<ExpertUse> used;
    for (int expert = 0; expert < kExperts; ++expert) {
      if (numbers.below(3) > 0) continue;
      const auto limit = static_cast<std::uint32_t>(n_tokens);
      used.push_back({expert, 1 + static_cast<int>(numbers.below(limit))});
    }
    policy.note_pass(1, n_tokens, used);
    fast.passes.emplace_back(n_tokens, used);
    slow.passes.emplace_back(n_tokens, used);
    for (int expert = 0; expert < kExperts; ++expert) {
      EXPECT_NEAR(policy.score(1, expert), 0.3 * fast.of(expert) + 0.7 * slow.of(expert), 1e-5);
      EXPECT_EQ(policy.score(0, expert), 0);
    }
  }
}

TEST(ExpertPolicy, TheFirstTokenCountsInFull) {
  ExpertPolicy policy(1, 4);
  note_token(policy, 0, {2});
  EXPECT_FLOAT_EQ(policy.score(0, 2), 1);
  EXPECT_EQ(policy.score(0, 1), 0);
}

TEST(ExpertPolicy, PrefersTheFrequentAndTheRecent) {
  ExpertPolicy policy(1, 8);
  for (int token = 0; token < 20; ++token) note_token(policy, 0, {0, token % 2 == 0 ? 1 : 7});
  EXPECT_GT(policy.score(0, 0), policy.score(0, 1));
  note_token(policy, 0, {0, 2});
  note_token(policy, 0, {0, 3});
  EXPECT_GT(policy.score(0, 3), policy.score(0, 2));
  EXPECT_GT(policy.score(0, 1), policy.score(0, 3));
}

TEST(ExpertPolicy, APromptCountsByHowManyTokensUseAnExpert) {
  ExpertPolicy policy(1, 16);
  for (int token = 0; token < 50; ++token) note_token(policy, 0, {0, 1});
  std::vector<ExpertUse> prompt;
  prompt.reserve(16);
  for (int expert = 0; expert < 16; ++expert) prompt.push_back({expert, expert == 5 ? 300 : 1});
  prompt[0].n_tokens = 600;
  policy.note_pass(0, 1000, prompt);
  EXPECT_EQ(ranking(policy, 0)[0], 0);
  EXPECT_EQ(ranking(policy, 0)[1], 5);
}

// A prompt that touches every expert leaves those that the answer then uses: nearly as many of its
// uses as the best choice of the same number that does not change, and far from what chance leaves.
TEST(ExpertPolicy, APromptThatTouchesEverythingLeavesSensibleExperts) {
  constexpr int kPrompt = 3000, kAnswer = 48;
  constexpr std::size_t kKept = 48;
  for (const float drift : {0.0F, 0.05F}) {
    GeneratedSession session;
    session.n_layers = 2;  // the second has the spread of M2.5's middle
    session.n_tokens = kPrompt + kAnswer;
    session.drift = drift;
    const auto routing = generate_routing(session);
    ASSERT_TRUE(routing);
    const RoutingTrace& trace = routing->chosen;
    ExpertPolicy policy(1, 256);
    // Read in chunks, as the engine does; the rarest are added so that all are touched.
    for (int first = 0; first < kPrompt; first += 500) {
      std::vector<ExpertUse> chunk = uses_of(trace, 1, first, first + 500);
      for (int expert = 0; expert < 256; ++expert) {
        const auto is_it = [&](const ExpertUse& use) { return use.expert == expert; };
        if (std::ranges::none_of(chunk, is_it)) chunk.push_back({expert, 1});
      }
      policy.note_pass(0, 500, chunk);
    }
    std::vector<int> kept = ranking(policy, 0);
    kept.resize(kKept);
    std::vector<ExpertUse> answer = uses_of(trace, 1, kPrompt, kPrompt + kAnswer);
    std::ranges::sort(answer, std::greater{}, &ExpertUse::n_tokens);
    std::vector<int> best;
    best.reserve(answer.size());
    for (const ExpertUse& use : answer) best.push_back(use.expert);
    best.resize(std::min(best.size(), kKept));
    const double hits = covered(trace, 1, kept, kPrompt, kPrompt + kAnswer);
    const double possible = covered(trace, 1, best, kPrompt, kPrompt + kAnswer);
    EXPECT_GT(hits, 0.8 * possible) << "drift " << drift;
    EXPECT_GT(hits, 2.5 * kKept / 256) << "drift " << drift;
  }
}

TEST(ExpertPolicy, WhatIsNeverUsedAgainIsForgottenWithoutDenormalNumbers) {
  ExpertPolicy policy(1, 3);
  note_token(policy, 0, {0});
  for (int token = 0; token < 4000; ++token) {
    note_token(policy, 0, {1});
    const float score = policy.score(0, 0);
    ASSERT_TRUE(score == 0 || score >= std::numeric_limits<float>::min()) << token;
  }
  EXPECT_EQ(policy.score(0, 0), 0);
}

TEST(ExpertPolicy, PopularityComesBack) {
  RandomNumbers numbers(5);
  ExpertPolicy policy(3, 10);
  for (int token = 0; token < 500; ++token) {
    for (int layer = 0; layer < 3; ++layer) {
      // The same expert each time: rounding must not carry it beyond what import takes.
      note_token(policy, layer, {layer, 3 + static_cast<int>(numbers.below(7))});
    }
  }
  const std::vector<float> popularity = policy.export_popularity();
  ExpertPolicy other(3, 10);
  note_token(other, 0, {9});
  const auto imported = other.import_popularity(popularity);
  ASSERT_TRUE(imported) << imported.error().message;
  EXPECT_EQ(other.export_popularity(), popularity);
  for (int layer = 0; layer < 3; ++layer) EXPECT_EQ(ranking(other, layer)[0], layer);
}

TEST(ExpertPolicy, ImportedPopularityGivesWayToTheSession) {
  ExpertPolicy policy(1, 16);
  std::vector<float> popularity(16, 0);
  for (std::size_t expert = 0; expert < 4; ++expert) popularity[expert] = 1;
  ASSERT_TRUE(policy.import_popularity(popularity));
  note_token(policy, 0, {8, 9, 10, 11});
  EXPECT_GT(policy.score(0, 0), 0.5F);  // one token does not drive it out
  for (int token = 0; token < 10; ++token) note_token(policy, 0, {8, 9, 10, 11});
  std::vector<int> first = ranking(policy, 0);
  first.resize(4);
  EXPECT_THAT(first, testing::UnorderedElementsAre(8, 9, 10, 11));
}

TEST(ExpertPolicy, RefusesPopularityThatCannotBe) {
  ExpertPolicy policy(1, 2);
  note_token(policy, 0, {1});
  const auto complaint = [&](const std::vector<float>& popularity) {
    const auto imported = policy.import_popularity(popularity);
    EXPECT_FALSE(imported);
    EXPECT_EQ(policy.score(0, 1), 1) << "a refused import changed it";
    return imported ? "" : imported.error().message;
  };
  EXPECT_THAT(complaint({0.5F}), HasSubstr("1 experts, and the model has 2"));
  EXPECT_THAT(complaint({0.5F, 1.5F}), HasSubstr("is 1.5"));
  EXPECT_THAT(complaint({-0.5F, 0.5F}), HasSubstr("is -0.5"));
  EXPECT_THAT(complaint({0, std::numeric_limits<float>::quiet_NaN()}), HasSubstr("nan"));
  EXPECT_THAT(complaint({0, std::numeric_limits<float>::infinity()}), HasSubstr("inf"));
}

}  // namespace
}  // namespace jevons
