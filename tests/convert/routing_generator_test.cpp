#include "convert/routing_generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace jevons {
namespace {

using testing::HasSubstr;

// Mean share of a token's experts that the token `distance` before it used, too.
double overlap(const RoutingTrace& trace, int distance) {
  double n_shared = 0, n_uses = 0;
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    for (int token = distance; token < trace.n_tokens; ++token) {
      const std::int32_t* earlier = trace.at(layer, token - distance);
      for (int i = 0; i < trace.n_used; ++i) {
        n_shared +=
            std::count(earlier, earlier + trace.n_used, trace.at(layer, token)[i]) > 0 ? 1 : 0;
      }
      n_uses += trace.n_used;
    }
  }
  return n_shared / n_uses;
}

// Mean number of different experts that some tokens in a row use.
double different(const RoutingTrace& trace, int n_tokens, int first_layer, int last_layer) {
  double sum = 0, n = 0;
  for (int layer = first_layer; layer <= last_layer; ++layer) {
    for (int token = 0; token + n_tokens <= trace.n_tokens; ++token) {
      const std::int32_t* first = trace.at(layer, token);
      sum += static_cast<double>(
          std::set<std::int32_t>(first, first + std::ptrdiff_t{n_tokens} * trace.n_used).size());
      ++n;
    }
  }
  return sum / n;
}

GeneratedRouting generated(const GeneratedSession& session) {
  auto routing = generate_routing(session);
  EXPECT_TRUE(routing) << routing.error().message;
  return *routing;
}

// The figures of a recording of M2.5 over 32 tokens; generated ones came within a tenth of most.
TEST(RoutingGenerator, LooksLikeARecordingOfM25) {
  GeneratedSession session;
  session.n_tokens = 32;
  const RoutingTrace trace = generated(session).chosen;
  EXPECT_NEAR(overlap(trace, 1), 0.334, 0.05);
  EXPECT_NEAR(overlap(trace, 2), 0.237, 0.02);
  EXPECT_NEAR(overlap(trace, 4), 0.200, 0.02);
  EXPECT_NEAR(overlap(trace, 8), 0.212, 0.035);
  EXPECT_NEAR(overlap(trace, 16), 0.204, 0.035);
  const int last = trace.n_layers - 1;
  EXPECT_NEAR(different(trace, 2, 0, last), 13.4, 0.7);
  EXPECT_NEAR(different(trace, 4, 0, last), 22.1, 1);
  EXPECT_NEAR(different(trace, 8, 0, last), 35.0, 2);
  EXPECT_NEAR(different(trace, 16, 0, last), 54.8, 2.5);
  EXPECT_NEAR(different(trace, 32, 0, last), 81.8, 5);
  // By depth: the first layer goes by the token, the next and the last ones spread wide.
  EXPECT_NEAR(different(trace, 32, 0, 0), 27, 8);
  EXPECT_NEAR(different(trace, 32, 2, 7), 97, 8);
  EXPECT_NEAR(different(trace, 32, 20, 50), 76, 7);
  EXPECT_NEAR(different(trace, 32, 60, 61), 96, 8);
}

TEST(RoutingGenerator, DriftForgetsTheSession) {
  GeneratedSession session;
  session.n_layers = 8;
  session.n_tokens = 400;
  session.drift = 0;
  const RoutingTrace steady = generated(session).chosen;
  session.drift = 0.25F;
  const RoutingTrace drifting = generated(session).chosen;
  EXPECT_NEAR(overlap(steady, 1), overlap(drifting, 1), 0.03);
  EXPECT_NEAR(overlap(steady, 8), overlap(steady, 200), 0.02);
  EXPECT_LT(overlap(drifting, 200), 0.3 * overlap(steady, 200));
}

TEST(RoutingGenerator, TheSameSeedGivesTheSameSession) {
  GeneratedSession session;
  session.n_layers = 3;
  session.n_tokens = 20;
  const GeneratedRouting first = generated(session), again = generated(session);
  EXPECT_EQ(first.chosen.experts, again.chosen.experts);
  EXPECT_EQ(first.guessed.experts, again.guessed.experts);
  session.seed = 2;
  EXPECT_NE(generated(session).chosen.experts, first.chosen.experts);
  // A longer session begins as the shorter one.
  session.seed = 1;
  session.n_tokens = 30;
  const RoutingTrace longer = generated(session).chosen;
  EXPECT_TRUE(std::equal(first.chosen.at(2, 0), first.chosen.at(2, 19), longer.at(2, 0)));
}

TEST(RoutingGenerator, FitsAnyNetwork) {
  const struct {
    int n_layers, n_experts, n_used;
  } kShapes[] = {{62, 256, 8}, {4, 256, 8}, {17, 256, 8}, {4, 24, 2},
                 {1, 1, 1},    {2, 5, 5},   {70, 9, 4}};
  for (const auto& [n_layers, n_experts, n_used] : kShapes) {
    GeneratedSession session;
    session.n_layers = n_layers;
    session.n_experts = n_experts;
    session.n_used = n_used;
    session.n_tokens = 5;
    const GeneratedRouting routing = generated(session);
    for (int layer = 0; layer < n_layers; ++layer) {
      for (int token = 0; token < 5; ++token) {
        const std::int32_t* chosen = routing.chosen.at(layer, token);
        const std::set<std::int32_t> experts(chosen, chosen + n_used);
        EXPECT_EQ(experts.size(), static_cast<std::size_t>(n_used));
        EXPECT_GE(*experts.begin(), 0);
        EXPECT_LT(*experts.rbegin(), n_experts);
        std::multiset<std::int32_t> guesses(routing.guessed.at(layer, token),
                                            routing.guessed.at(layer, token) + n_used);
        guesses.erase(kNoGuess);
        EXPECT_EQ(guesses.size(), std::set(guesses.begin(), guesses.end()).size());
        if (layer == 0) {
          EXPECT_TRUE(guesses.empty());
        } else if (!guesses.empty()) {
          EXPECT_LT(*guesses.rbegin(), n_experts);
        }
      }
    }
  }
}

TEST(RoutingGenerator, GuessesAreRightAsOftenAsALookAheadOfM25) {
  GeneratedSession session;
  session.n_tokens = 200;
  const GeneratedRouting routing = generated(session);
  EXPECT_EQ(guess_recall(0, 62), 0);
  EXPECT_NEAR(guess_recall(3, 62), 0.45, 1e-6);
  EXPECT_NEAR(guess_recall(20, 62), 0.85, 1e-6);
  EXPECT_NEAR(guess_recall(61, 62), 0.85, 1e-6);
  EXPECT_NEAR(guess_recall(3, 4), 0.85, 1e-6);
  for (const int layer : {1, 3, 12, 20, 61}) {
    double n_right = 0;
    for (int token = 0; token < session.n_tokens; ++token) {
      const std::int32_t* chosen = routing.chosen.at(layer, token);
      const std::int32_t* guessed = routing.guessed.at(layer, token);
      EXPECT_EQ(std::count(guessed, guessed + 8, kNoGuess), 0);
      for (int i = 0; i < 8; ++i) n_right += std::count(chosen, chosen + 8, guessed[i]) > 0 ? 1 : 0;
    }
    // Five standard deviations.
    EXPECT_NEAR(n_right / (8 * 200), guess_recall(layer, 62), 0.06) << layer;
  }
}

TEST(RoutingGenerator, RefusesWhatNoNetworkIs) {
  const auto complaint = [](GeneratedSession session) {
    const auto routing = generate_routing(session);
    EXPECT_FALSE(routing);
    return routing ? std::string() : routing.error().message;
  };
  EXPECT_THAT(complaint({.n_layers = 0}), HasSubstr("0 layers"));
  EXPECT_THAT(complaint({.n_tokens = -1}), HasSubstr("-1 tokens"));
  EXPECT_THAT(complaint({.n_experts = 4, .n_used = 5}), HasSubstr("5 of 4"));
  EXPECT_THAT(complaint({.n_used = 0}), HasSubstr("0 of 256"));
  EXPECT_THAT(complaint({.drift = 1.5F}), HasSubstr("1.5"));
  EXPECT_THAT(complaint({.drift = -0.1F}), HasSubstr("-0.1"));
}

}  // namespace
}  // namespace jevons
