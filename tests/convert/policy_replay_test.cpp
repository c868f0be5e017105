#include "convert/policy_replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "convert/random_numbers.h"
#include "convert/routing_file.h"
#include "convert/routing_generator.h"
#include "weights/expert_policy.h"

namespace jevons {
namespace {

using testing::HasSubstr;

constexpr ReplayPolicy kPolicies[] = {ReplayPolicy::kJevons, ReplayPolicy::kRecent,
                                      ReplayPolicy::kFrequent, ReplayPolicy::kOptimal};

GeneratedRouting session_of(int n_layers, int n_experts, int n_used, int n_tokens,
                            float drift = 0.05F) {
  GeneratedSession session;
  session.n_layers = n_layers;
  session.n_experts = n_experts;
  session.n_used = n_used;
  session.n_tokens = n_tokens;
  session.drift = drift;
  auto routing = generate_routing(session);
  EXPECT_TRUE(routing);
  return *routing;
}

ReplayResult replay(const RoutingTrace& trace, int n_experts, int n_slots,
                    ReplayPolicy policy = ReplayPolicy::kJevons,
                    const RoutingTrace* guesses = nullptr) {
  const std::vector<int> slots(static_cast<std::size_t>(trace.n_layers), n_slots);
  const auto result = replay_routing(trace, {policy, n_experts, slots, guesses});
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(ReplayResult{});
}

// Everything again, as plainly as it can be said, on one layer: after each token all that is there
// is sorted, and the best stay.
std::int64_t naive_hits(const RoutingTrace& trace, int layer, int n_experts, int n_slots,
                        ReplayPolicy policy) {
  ExpertPolicy ours(trace.n_layers, n_experts);
  std::map<int, int> last, count;
  std::set<int> held;
  std::int64_t n_hits = 0;
  for (int token = 0; token < trace.n_tokens; ++token) {
    std::vector<ExpertUse> uses;
    for (int i = 0; i < trace.n_used; ++i) {
      const int expert = trace.at(layer, token)[i];
      n_hits += held.contains(expert) ? 1 : 0;
      last[expert] = (token + 1) * trace.n_used - i;
      ++count[expert];
      uses.push_back({expert, 1});
    }
    ours.note_pass(layer, 1, uses);
    for (const ExpertUse& use : uses) held.insert(use.expert);
    std::vector<int> order(held.begin(), held.end());
    std::ranges::stable_sort(order, [&](int a, int b) {
      if (policy == ReplayPolicy::kJevons) return ours.score(layer, a) > ours.score(layer, b);
      if (policy == ReplayPolicy::kFrequent && count[a] != count[b]) return count[a] > count[b];
      return last[a] > last[b];
    });
    order.resize(std::min(order.size(), static_cast<std::size_t>(n_slots)));
    held = {order.begin(), order.end()};
  }
  return n_hits;
}

TEST(PolicyReplay, EqualsANaiveOne) {
  const RoutingTrace trace = session_of(3, 32, 4, 200).chosen;
  for (const ReplayPolicy policy :
       {ReplayPolicy::kJevons, ReplayPolicy::kRecent, ReplayPolicy::kFrequent}) {
    for (const int n_slots : {0, 1, 3, 4, 9, 20, 32}) {
      const ReplayResult result = replay(trace, 32, n_slots, policy);
      ReplayCounts sum;
      for (int layer = 0; layer < 3; ++layer) {
        const ReplayCounts& counts = result.layers[static_cast<std::size_t>(layer)];
        EXPECT_EQ(counts.n_hits, naive_hits(trace, layer, 32, n_slots, policy))
            << "layer " << layer << ", " << n_slots << " slots";
        sum += counts;
      }
      EXPECT_EQ(result.all.n_hits, sum.n_hits);
      EXPECT_EQ(result.all.n_uses, 3 * 4 * 200);
    }
  }
}

// The most hits of any choice at all: over all sets that may be held before each token.
std::int64_t most_hits(const RoutingTrace& trace, int n_experts, int n_slots) {
  constexpr std::int64_t kImpossible = -1'000'000;
  const unsigned n_sets = 1U << static_cast<unsigned>(n_experts);
  std::vector<std::int64_t> best(n_sets, kImpossible);
  best[0] = 0;
  for (int token = 0; token < trace.n_tokens; ++token) {
    unsigned used = 0;
    for (int i = 0; i < trace.n_used; ++i) {
      used |= 1U << static_cast<unsigned>(trace.at(0, token)[i]);
    }
    std::vector<std::int64_t> next(n_sets, kImpossible);
    for (unsigned held = 0; held < n_sets; ++held) {
      if (best[held] == kImpossible) continue;
      const std::int64_t hits = best[held] + std::popcount(held & used);
      for (unsigned kept = 0; kept < n_sets; ++kept) {
        const bool fits = (kept & ~(held | used)) == 0 && std::popcount(kept) <= n_slots;
        if (fits) next[kept] = std::max(next[kept], hits);
      }
    }
    best = next;
  }
  return *std::ranges::max_element(best);
}

TEST(PolicyReplay, TheOptimalOneCannotBeBeaten) {
  RandomNumbers numbers(11);
  for (int round = 0; round < 30; ++round) {
    RoutingTrace trace = RoutingTrace::sized(1, 15, 2);
    for (int token = 0; token < trace.n_tokens; ++token) {
      const auto first = static_cast<std::int32_t>(numbers.below(6));
      trace.at(0, token)[0] = first;
      trace.at(0, token)[1] = (first + 1 + static_cast<std::int32_t>(numbers.below(5))) % 6;
    }
    for (const int n_slots : {1, 2, 3, 4}) {
      EXPECT_EQ(replay(trace, 6, n_slots, ReplayPolicy::kOptimal).all.n_hits,
                most_hits(trace, 6, n_slots));
    }
  }
}

TEST(PolicyReplay, MemoryForAllMissesOnlyWhatIsNew) {
  const RoutingTrace trace = session_of(2, 40, 4, 100).chosen;
  for (const ReplayPolicy policy : kPolicies) {
    const ReplayResult all = replay(trace, 40, 40, policy);
    EXPECT_EQ(all.all.n_hits + all.all.n_first_misses, all.all.n_uses);
    EXPECT_EQ(all.all.hit_rate_without_first(), 1);
    EXPECT_LT(all.all.hit_rate(), 1);
    const ReplayResult none = replay(trace, 40, 0, policy);
    EXPECT_EQ(none.all.n_hits, 0);
    EXPECT_EQ(none.all.n_first_misses, all.all.n_first_misses);
  }
}

TEST(PolicyReplay, MoreMemoryAndForesightHitMoreOften) {
  const RoutingTrace trace = session_of(2, 256, 8, 600).chosen;
  double before = 0;
  for (const int n_slots : {8, 16, 32, 64, 128}) {
    const double ours = replay(trace, 256, n_slots).all.hit_rate();
    EXPECT_GT(ours, before);
    EXPECT_GT(ours, replay(trace, 256, n_slots, ReplayPolicy::kRecent).all.hit_rate());
    EXPECT_LT(ours, replay(trace, 256, n_slots, ReplayPolicy::kOptimal).all.hit_rate());
    before = ours;
  }
}

// Tokens that use each of many experts once, in the middle of a session on few: of a stretch as
// long as the memory, forgetting the least recently used keeps nothing.
TEST(PolicyReplay, AScanDoesNotDriveOutWhatIsPopular) {
  constexpr int kBefore = 40, kScan = 12, kAfter = 2;
  RoutingTrace trace = RoutingTrace::sized(1, kBefore + kScan + kAfter, 2);
  for (int token = 0; token < trace.n_tokens; ++token) {
    const bool is_scan = token >= kBefore && token < kBefore + kScan;
    for (int i = 0; i < 2; ++i) {
      trace.at(0, token)[i] = is_scan ? 10 + 2 * (token - kBefore) + i : (2 * token + i) % 8;
    }
  }
  // The popular eight before the scan, and four of them after it.
  const std::int64_t n_before = 2 * kBefore - 8;
  EXPECT_EQ(replay(trace, 40, 12, ReplayPolicy::kRecent).all.n_hits, n_before);
  EXPECT_EQ(replay(trace, 40, 12).all.n_hits, n_before + 2 * kAfter);
}

TEST(PolicyReplay, PerfectGuessesMakeEverythingReady) {
  const RoutingTrace trace = session_of(2, 40, 4, 100).chosen;
  const ReplayResult result = replay(trace, 40, 8, ReplayPolicy::kJevons, &trace);
  EXPECT_EQ(result.guesses.precision(), 1);
  EXPECT_EQ(result.guesses.recall(), 1);
  EXPECT_EQ(result.guesses.useful(), 1);
  EXPECT_EQ(result.ready_rate(), 1);
  // They bring nothing that the pass itself does not bring.
  EXPECT_EQ(result.all.n_hits, replay(trace, 40, 8).all.n_hits);
}

TEST(PolicyReplay, CountsGuesses) {
  // Two tokens of two experts in one layer: one right and one wrong guess, then one right guess
  // that is in memory by then.
  RoutingTrace trace = RoutingTrace::sized(1, 2, 2), guesses = trace;
  trace.experts = {0, 1, 0, 2};
  guesses.experts = {1, 3, 0, kNoGuess};
  const ReplayResult result = replay(trace, 4, 2, ReplayPolicy::kJevons, &guesses);
  EXPECT_EQ(result.guesses.n_guessed, 3);
  EXPECT_EQ(result.guesses.n_right, 2);
  EXPECT_EQ(result.guesses.n_uses, 4);
  EXPECT_EQ(result.guesses.n_read, 2);
  EXPECT_EQ(result.guesses.n_read_used, 1);
  EXPECT_EQ(result.all.n_hits, 1);
  EXPECT_EQ(result.ready_rate(), 0.5);
  EXPECT_EQ(replay(trace, 4, 2).guesses.precision(), 0);
}

TEST(PolicyReplay, TokensWithoutExpertsAreNotThere) {
  RoutingTrace trace = RoutingTrace::sized(1, 3, 2), holed = RoutingTrace::sized(1, 5, 2);
  trace.experts = {0, 1, 2, 1, 0, 3};
  holed.experts = {kNoExpert, kNoExpert, 0, 1, 2, 1, kNoExpert, kNoExpert, 0, 3};
  for (const ReplayPolicy policy : {ReplayPolicy::kJevons, ReplayPolicy::kOptimal}) {
    const ReplayCounts without = replay(trace, 4, 2, policy).all;
    const ReplayCounts with = replay(holed, 4, 2, policy).all;
    EXPECT_EQ(with.n_uses, 6);
    EXPECT_EQ(with.n_hits, without.n_hits);
    EXPECT_EQ(with.n_first_misses, without.n_first_misses);
  }
}

TEST(PolicyReplay, GuessesAreWorthWhatTheyAreGenerated) {
  const GeneratedRouting routing = session_of(62, 256, 8, 60);
  const ReplayResult result =
      replay(routing.chosen, 256, 36, ReplayPolicy::kJevons, &routing.guessed);
  EXPECT_NEAR(result.guesses.recall(), 0.79, 0.03);
  EXPECT_NEAR(result.guesses.precision(), 0.79, 0.03);
  EXPECT_GT(result.ready_rate(), result.all.hit_rate());
  // What is popular is in memory and guessed right; what must be read is less often right.
  EXPECT_LT(result.guesses.useful(), result.guesses.precision());
}

TEST(PolicyReplay, SlotsStayWithinTheBudget) {
  const std::vector<std::uint64_t> even(4, 100);
  EXPECT_THAT(slots_within(1600, even, 8), testing::ElementsAre(4, 4, 4, 4));
  EXPECT_THAT(slots_within(1800, even, 8), testing::ElementsAre(4, 5, 4, 5));
  EXPECT_THAT(slots_within(99, even, 8), testing::Each(0));
  EXPECT_THAT(slots_within(1'000'000, even, 8), testing::Each(8));
  const std::vector<std::uint64_t> mixed = {100, 70, 130, 100, 90};
  for (std::uint64_t budget = 0; budget <= 4200; budget += 35) {
    const std::vector<int> slots = slots_within(budget, mixed, 8);
    std::uint64_t taken = 0;
    for (std::size_t layer = 0; layer < mixed.size(); ++layer) {
      taken += mixed[layer] * static_cast<std::uint64_t>(slots[layer]);
    }
    EXPECT_LE(taken, budget);
    EXPECT_GT(taken + 200, std::min<std::uint64_t>(budget, 8 * 490));
    EXPECT_LE(std::ranges::max(slots) - std::ranges::min(slots), 2);
  }
}

TEST(PolicyReplay, RefusesWhatDoesNotFit) {
  RoutingTrace trace = RoutingTrace::sized(2, 1, 1);
  trace.experts = {0, 5};
  const auto complaint = [&](int n_experts, const std::vector<int>& slots,
                             const RoutingTrace* guesses = nullptr) {
    const auto result = replay_routing(trace, {ReplayPolicy::kJevons, n_experts, slots, guesses});
    EXPECT_FALSE(result);
    return result ? std::string() : result.error().message;
  };
  EXPECT_THAT(complaint(6, {1}), HasSubstr("1 layers, and the routing has 2"));
  EXPECT_THAT(complaint(6, {1, -1}), HasSubstr("-1"));
  EXPECT_THAT(complaint(5, {1, 1}), HasSubstr("expert 5, and there are 5"));
  RoutingTrace guesses = RoutingTrace::sized(1, 1, 1);
  EXPECT_THAT(complaint(6, {1, 1}, &guesses), HasSubstr("for 1 layers"));
  guesses = RoutingTrace::sized(2, 1, 1);
  guesses.experts = {kNoGuess, 6};
  EXPECT_THAT(complaint(6, {1, 1}, &guesses), HasSubstr("expert 6"));
}

// The recording of M2.5 that the policy was chosen on.
TEST(PolicyReplay, BeatsTheUsualPoliciesOnM25) {
  const std::string path = JEVONS_SOURCE_DIR "/../shared/data/m25_routing_trace.json";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not there";
  ModelConfig config;
  config.n_layers = 62;
  config.n_experts = 256;
  config.n_experts_used = 8;
  const auto trace = read_routing(path, config);
  ASSERT_TRUE(trace) << trace.error().message;
  for (const int n_slots : {16, 21, 32}) {
    const double ours = replay(*trace, 256, n_slots).all.hit_rate_without_first();
    for (const ReplayPolicy policy : {ReplayPolicy::kRecent, ReplayPolicy::kFrequent}) {
      EXPECT_GT(ours, replay(*trace, 256, n_slots, policy).all.hit_rate_without_first() + 0.01);
    }
    EXPECT_LT(ours,
              replay(*trace, 256, n_slots, ReplayPolicy::kOptimal).all.hit_rate_without_first());
  }
}

}  // namespace
}  // namespace jevons
