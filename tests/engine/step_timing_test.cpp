#include "engine/step_timing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace jevons {
namespace {

// A machine on which a step takes `fixed_ms` and so much for each token.
struct Machine {
  double fixed_ms, ms_per_token;
  [[nodiscard]] StepFacts run(int n_decoded, int n_prompt) const {
    return {n_decoded, n_prompt, fixed_ms + ms_per_token * (n_decoded + n_prompt)};
  }
};

TEST(SliceSizer, TheExtraTimeBesideAnswersStaysWithinTheSlice) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> exponent(-2, 1);
  for (int round = 0; round < 300; ++round) {
    const Machine machine{100 * std::pow(10, exponent(random)), std::pow(10, exponent(random))};
    SliceSizer sizer(200, 2048);
    // A prompt is read alone, then others write, then one is read beside them.
    for (int i = 0; i < 10; ++i) sizer.record(machine.run(0, sizer.n_tokens(0)));
    for (int i = 0; i < 10; ++i) sizer.record(machine.run(4, 0));
    const double without = machine.run(4, 0).ms;
    double worst = 0;
    int last = 0;
    for (int i = 0; i < 30; ++i) {
      last = sizer.n_tokens(4);
      const StepFacts step = machine.run(4, last);
      worst = std::max(worst, step.ms - without);
      sizer.record(step);
    }
    // The least slice goes even where it takes longer: without it no prompt would ever be read.
    const double least = SliceSizer::kLeastTokens * machine.ms_per_token;
    EXPECT_LE(worst, std::max(200.0, least) * 1.001) << machine.fixed_ms << machine.ms_per_token;
    // And most of the time it allows is used.
    if (last < 2048 && least < 200) {
      EXPECT_GE(last * machine.ms_per_token, 100)
          << machine.fixed_ms << " " << machine.ms_per_token;
    }
  }
}

TEST(SliceSizer, AloneAStepIsAsLongAsItMayBe) {
  const Machine slow{50, 5};
  SliceSizer sizer(200, 2048);
  for (int i = 0; i < 20; ++i) {
    const StepFacts step = slow.run(0, sizer.n_tokens(0));
    EXPECT_LE(step.ms, 1000);
    sizer.record(step);
  }
  EXPECT_GT(slow.run(0, sizer.n_tokens(0)).ms, 500);
  const Machine fast{1, 0.01};
  SliceSizer quick(200, 512);
  for (int i = 0; i < 20; ++i) quick.record(fast.run(0, quick.n_tokens(0)));
  EXPECT_EQ(quick.n_tokens(0), 512);
}

TEST(SliceSizer, OneSlowStepIsForgotten) {
  const Machine machine{1, 0.1};
  SliceSizer sizer(200, 512);
  for (int i = 0; i < 10; ++i) sizer.record(machine.run(0, sizer.n_tokens(0)));
  sizer.record({0, 512, 60'000});  // the weights came from a disk
  EXPECT_EQ(sizer.n_tokens(0), SliceSizer::kLeastTokens);
  int n_steps = 0;
  for (; sizer.n_tokens(0) < 512; ++n_steps) {
    ASSERT_LT(n_steps, 20);
    sizer.record(machine.run(0, sizer.n_tokens(0)));
  }
}

TEST(SliceSizer, NeverMoreThanAStepHolds) {
  SliceSizer sizer(200, 7);
  for (int i = 0; i < 20; ++i) {
    EXPECT_GE(sizer.n_tokens(0), 1);
    EXPECT_LE(sizer.n_tokens(0), 7);
    sizer.record({0, sizer.n_tokens(0), 0.001});
  }
}

TEST(SpeedMeter, FollowsTheSpeedOfLate) {
  SpeedMeter meter;
  EXPECT_EQ(meter.tokens_per_s(), 0);
  for (int i = 0; i < 100; ++i) meter.record(10, 1000);
  EXPECT_NEAR(meter.tokens_per_s(), 10, 1e-6);
  for (int i = 0; i < 100; ++i) meter.record(50, 1000);
  EXPECT_NEAR(meter.tokens_per_s(), 50, 1);
}

}  // namespace
}  // namespace jevons
