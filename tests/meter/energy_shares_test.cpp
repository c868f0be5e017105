// Energy is divided as the formulas say, and none of it is lost.
#include "meter/energy_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace jevons {
namespace {

using Time = RequestWork::Time;

Time at(double seconds) {
  return Time(
      std::chrono::duration_cast<Time::duration>(std::chrono::duration<double>(1000 + seconds)));
}

EnergyPiece piece(double begin, double end, double joules) {
  return {at(begin), at(end), joules, std::nullopt, std::nullopt};
}
RequestWork work(RequestId id, double begin, double end, double weight) {
  return {id, at(begin), at(end), weight, false};
}
RequestWork over(RequestId id) { return {.id = id, .is_last = true}; }

void add(EnergyShares& shares, std::vector<RequestWork> all) { shares.add_work(all); }

// The worked example of docs/METER.md.
TEST(EnergyShares, DividesTheWorkedExample) {
  EnergyShares shares;
  add(shares, {work(1, 0, 0.6, 3), work(2, 0, 0.6, 1), work(2, 0.6, 0.8, 5), over(1), over(2)});
  EnergyPiece second = piece(0, 1, 100);
  second.price_per_joule = 0.30 / 3.6e6;
  shares.add_piece(second);
  shares.advance(at(1), 20.0);
  // M = 100 - 20 = 80; I = 20 x 0.8 = 16. Request 1: 0.6/0.8 x 3/4 = 0.5625.
  const auto first = shares.energy_of(1);
  ASSERT_TRUE(first);
  EXPECT_NEAR(*first->marginal_joules, 45, 1e-9);
  EXPECT_NEAR(first->joules, 54, 1e-9);
  EXPECT_NEAR(*first->cost, 54 * 0.30 / 3.6e6, 1e-15);
  EXPECT_NEAR(first->seconds, 0.6, 1e-9);
  const auto other = shares.energy_of(2);
  ASSERT_TRUE(other);
  EXPECT_NEAR(*other->marginal_joules, 35, 1e-9);
  EXPECT_NEAR(other->joules, 42, 1e-9);
  EXPECT_NEAR(shares.unattributed_joules(), 4, 1e-9);
}

TEST(EnergyShares, WithoutIdlePowerNothingIsMarginal) {
  EnergyShares shares;
  add(shares, {work(1, 0, 0.25, 1), over(1)});
  shares.add_piece(piece(0, 1, 100));
  shares.advance(at(1), std::nullopt);
  const auto energy = shares.energy_of(1);
  ASSERT_TRUE(energy);
  EXPECT_NEAR(energy->joules, 25, 1e-9);
  EXPECT_FALSE(energy->marginal_joules);
  EXPECT_FALSE(energy->cost);
}

TEST(EnergyShares, StatedWattsCountWhileSomethingIsComputed) {
  EnergyShares shares;
  add(shares, {work(1, 0, 0.25, 1), over(1)});
  EnergyPiece stated{at(0), at(1), std::nullopt, std::nullopt, 200.0};
  shares.add_piece(stated);
  shares.advance(at(1), 40.0);
  const auto energy = shares.energy_of(1);
  ASSERT_TRUE(energy);
  EXPECT_NEAR(energy->joules, 50, 1e-9);
  EXPECT_NEAR(*energy->marginal_joules, 40, 1e-9);
  EXPECT_NEAR(shares.host_joules(), 50 + 30, 1e-9);
}

TEST(EnergyShares, WaitsForStepsThatStillRun) {
  EnergyShares shares;
  // A step from 0.5 to 2.5 is known only when it is over.
  shares.add_piece(piece(0, 1, 10));
  shares.advance(at(0.5), std::nullopt);
  shares.add_piece(piece(1, 2, 30));
  shares.advance(at(0.5), std::nullopt);
  EXPECT_NEAR(shares.host_joules(), 5, 1e-9);
  add(shares, {work(1, 0.5, 2.5, 1), over(1)});
  EXPECT_FALSE(shares.is_over(1));
  shares.add_piece(piece(2, 3, 40));
  shares.advance(at(3), std::nullopt);
  EXPECT_TRUE(shares.is_over(1));
  EXPECT_NEAR(shares.energy_of(1)->joules, 5 + 30 + 20, 1e-9);
}

TEST(EnergyShares, NothingIsSaidOfTimesThatAreNotKnown) {
  EnergyShares shares;
  add(shares, {work(1, 0, 1, 1), work(1, 1, 2, 1), work(2, 1, 2, 1), over(1), over(2)});
  shares.add_piece({at(0), at(1), std::nullopt, std::nullopt, std::nullopt});
  shares.add_piece(piece(1, 2, 50));
  shares.advance(at(2), 10.0);
  ASSERT_TRUE(shares.is_over(1));
  EXPECT_FALSE(shares.energy_of(1));
  EXPECT_NEAR(shares.energy_of(2)->joules, 25, 1e-9);
}

TEST(EnergyShares, LostWorkSpoilsWhatRuns) {
  EnergyShares shares;
  add(shares, {work(1, 0, 1, 1), work(2, 0, 1, 1), over(1)});
  shares.spoil_running();
  add(shares, {over(2)});
  shares.add_piece(piece(0, 1, 50));
  shares.advance(at(1), std::nullopt);
  EXPECT_TRUE(shares.energy_of(1));
  EXPECT_FALSE(shares.energy_of(2));
}

TEST(EnergyShares, ARequestThatDidNothingTookNothing) {
  EnergyShares shares;
  add(shares, {over(7)});
  EXPECT_TRUE(shares.is_over(7));
  EXPECT_EQ(shares.energy_of(7)->joules, 0);
  EXPECT_FALSE(shares.is_over(8));
  EXPECT_FALSE(shares.energy_of(8));
}

TEST(EnergyShares, MeasuresIdlenessAwayFromWork) {
  EnergyShares shares;
  add(shares, {work(1, 0, 1, 1), over(1)});
  for (int i = 0; i < 10; ++i) shares.add_piece(piece(i, i + 1, 30));
  shares.advance(at(10), std::nullopt);
  const auto idle = shares.take_idle_time();
  EXPECT_NEAR(idle.seconds, 7, 1e-9);  // of the second of work and the two after it nothing
  EXPECT_NEAR(idle.joules, 210, 1e-9);
  EXPECT_EQ(shares.take_idle_time().seconds, 0);
}

TEST(EnergyShares, ForgetsWhatWasOverLongAgo) {
  EnergyShares shares;
  add(shares, {work(1, 0, 1, 1), over(1), work(2, 1, 2, 1)});
  shares.add_piece(piece(0, 2, 30));
  shares.advance(at(2), std::nullopt);
  shares.forget_over(1);
  EXPECT_TRUE(shares.is_over(1));
  add(shares, {over(2)});
  shares.forget_over(1);
  EXPECT_FALSE(shares.is_over(1));
  EXPECT_TRUE(shares.is_over(2));
}

// Random engines: batches of random requests without a pause between steps, samples at random
// times, horizons that lag behind. What concurrent requests got is what the host took.
TEST(EnergyShares, ConcurrentRequestsAddUpToTheHost) {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    std::mt19937 random(seed);
    const auto uniform = [&](double low, double high) {
      return std::uniform_real_distribution<double>(low, high)(random);
    };
    const int n_requests = 1 + static_cast<int>(random() % 12);
    const double idle_watts = uniform(5, 60);
    std::vector<std::vector<RequestWork>> steps;
    double now = 0;
    while (now < 20) {
      const double end = now + uniform(0.001, 0.8);
      std::vector<RequestWork> step;
      for (int id = 1; id <= n_requests; ++id) {
        if (random() % 3 != 0)
          step.push_back(work(static_cast<RequestId>(id), now, end, uniform(1, 1e6)));
      }
      if (step.empty()) step.push_back(work(1, now, end, 5));
      steps.push_back(std::move(step));
      now = end;
    }
    EnergyShares shares;
    double host = 0, sampled_until = 0;
    std::size_t n_told = 0;
    while (sampled_until < now) {
      const double sample = std::min(now, sampled_until + uniform(0.01, 1.2));
      const double joules = (sample - sampled_until) * uniform(idle_watts, 400);
      host += joules;
      shares.add_piece(piece(sampled_until, sample, joules));
      sampled_until = sample;
      double horizon = 0;
      while (n_told < steps.size() && steps[n_told].front().end <= at(sample)) {
        shares.add_work(steps[n_told]);
        ++n_told;
      }
      horizon = n_told < steps.size()
                    ? std::chrono::duration<double>(steps[n_told].front().begin - at(0)).count()
                    : now;
      shares.advance(at(horizon), idle_watts);
    }
    double joules = 0, marginal = 0;
    for (int id = 1; id <= n_requests; ++id) {
      add(shares, {over(static_cast<RequestId>(id))});
      const auto energy = shares.energy_of(static_cast<RequestId>(id));
      ASSERT_TRUE(energy) << "seed " << seed;
      joules += energy->joules;
      marginal += *energy->marginal_joules;
    }
    EXPECT_NEAR(joules, host, 0.01 * host) << "seed " << seed;
    EXPECT_NEAR(marginal, host - idle_watts * now, 0.01 * host) << "seed " << seed;
    EXPECT_NEAR(shares.host_joules(), host, 1e-6 * host) << "seed " << seed;
  }
}

// With pauses in between, what is left is exactly what nobody caused.
TEST(EnergyShares, NothingIsLostWithPauses) {
  std::mt19937 random(5);
  const auto uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  EnergyShares shares;
  double host = 0, attributed = 0;
  RequestId id = 0;
  for (double now = 0; now < 500;) {
    const double begin = now + uniform(0, 0.5);
    const double end = begin + uniform(0.01, 0.5);
    ++id;
    add(shares, {work(id, begin, end, uniform(1, 9)), over(id)});
    const double sample = end + uniform(0, 0.3);
    const double joules = uniform(0, 100);
    host += joules;
    shares.add_piece(piece(now, sample, joules));
    now = sample;
    shares.advance(at(now), 30.0);
    attributed += shares.energy_of(id)->joules;
  }
  EXPECT_NEAR(shares.host_joules(), host, 1e-6);
  EXPECT_NEAR(shares.attributed_joules(), attributed, 1e-6);
  EXPECT_GE(shares.unattributed_joules(), 0);
}

}  // namespace
}  // namespace jevons
