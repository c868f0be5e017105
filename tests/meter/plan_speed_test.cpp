// The model of speed: its arithmetic against figures computed by hand, and how it must behave.
#include "meter/plan_speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "meter/kernel_shares.h"
#include "meter/machine_presets.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

PlannedModel m25(std::string_view mix) {
  return *compute_model("MiniMax-M2.5", m25_config(), *find_mix(mix));
}

// So much arithmetic that memory alone counts.
MachineFacts memory_bound() {
  MachineFacts machine;
  machine.is_measured = true;
  machine.kernels = "avx2";
  machine.bandwidth_all.value = 100e9;
  machine.int8_peak.value = 1e18;
  machine.f32_peak.value = 1e18;
  return machine;
}

constexpr double kLoops = (7 * 62 + 1) * kSecondsPerLoop;

TEST(PlanSpeed, AnAnswerReadsWhatATokenReads) {
  const PlannedModel model = m25("Q4_K_M");
  const MachineFacts machine = memory_bound();
  const SpeedSetup setup{&model, &machine};
  const SpeedEstimate estimate = answer_speed(setup, 1000);
  // All that a token reads but its row of the embedding, and 1,000 tokens of keys and values.
  const double n_bytes =
      static_cast<double>(model.bytes_per_token()) - 3072.0 * 144 / 256 + 1000 * 134'912.0;
  EXPECT_NEAR(estimate.bytes_per_token, n_bytes, 2);
  EXPECT_NEAR(1 / estimate.expected, n_bytes / (100e9 * kBandwidthReached) + kLoops, 1e-9);
  EXPECT_EQ(estimate.limit, SpeedLimit::kMemory);
  EXPECT_NEAR(estimate.high / estimate.expected, kMeasuredSpread, 1e-9);
  EXPECT_NEAR(estimate.expected / estimate.low, kMeasuredSpread, 1e-9);
}

TEST(PlanSpeed, APromptMultiplies) {
  const PlannedModel model = m25("Q4_0");
  MachineFacts machine = memory_bound();
  machine.bandwidth_all.value = 1e18;
  machine.int8_peak.value = 1e12;
  const SpeedSetup setup{&model, &machine};
  const SpeedEstimate estimate = prompt_speed(setup, 0, 512);
  // Experts with 16 tokens each, 46 % of the peak; attention with 512, 51 %. Of the last layer keys
  // and values alone.
  const double experts = 8.0 * 61 * 14'155'776;
  const double attention = 61.0 * 44'040'192 + 2 * 1024.0 * 3072;
  const double head = 614'596'608.0 / 512;  // for the last token
  const double expected =
      2 * experts / (1e12 * 0.46) + 2 * attention / (1e12 * 0.51) + 2 * head / (1e12 * 0.134);
  EXPECT_NEAR(1 / estimate.expected, expected, expected * 0.01);
  EXPECT_EQ(estimate.limit, SpeedLimit::kArithmetic);
}

TEST(PlanSpeed, AttentionGrowsWithTheContext) {
  const PlannedModel model = m25("Q8_0");
  MachineFacts machine = memory_bound();
  machine.f32_peak.value = 1e12;
  const SpeedSetup setup{&model, &machine};
  const double shallow = 1 / answer_speed(setup, 0).expected;
  const double deep = 1 / answer_speed(setup, 100'000).expected;
  const double arithmetic = 4.0 * 6144 * 100'000 * 62 / (1e12 * attention_share(false));
  const double memory = 100'000 * 134'912.0 / (100e9 * kBandwidthReached);
  EXPECT_NEAR(deep - shallow, std::pow(std::pow(arithmetic, 4) + std::pow(memory, 4), 0.25), 1e-6);
}

TEST(PlanSpeed, TheDiskIsPartlyHidden) {
  const PlannedModel model = m25("Q4_K_M");
  const MachineFacts machine = memory_bound();
  SpeedSetup setup{&model, &machine};
  const double computed = 1 / answer_speed(setup, 512).expected;
  setup.resident = 32.0 / 256;
  setup.disk_bytes_per_second = 2e9;
  const SpeedEstimate estimate = answer_speed(setup, 512);
  EXPECT_NEAR(estimate.hit_rate, 0.633, 1e-9);
  const double read = static_cast<double>(model.expert_bytes()) * 8 / 256 * (1 - 0.633);
  EXPECT_NEAR(estimate.disk_bytes_per_token, read, 1);
  EXPECT_NEAR(1 / estimate.expected, computed + read / 2e9 - kOverlap * computed, 1e-9);
  EXPECT_EQ(estimate.limit, SpeedLimit::kDisk);
  EXPECT_LT(estimate.low * kMeasuredSpread, estimate.expected);  // many topics find less
  EXPECT_GT(estimate.high / kMeasuredSpread, estimate.expected);
}

TEST(PlanSpeed, SidesBySideShareTheWeights) {
  const PlannedModel model = m25("Q4_K_M");
  const MachineFacts machine = memory_bound();
  const SpeedSetup setup{&model, &machine};
  const double one = answer_speed(setup, 4096, 1).expected;
  const double eight = answer_speed(setup, 4096, 8).expected;
  EXPECT_GT(eight, one);
  EXPECT_LT(eight, 8 * one);
  // 8 tokens take 57 of 256 experts, not 64.
  EXPECT_NEAR(experts_touched(256, 8, 8), 57.4, 0.1);
  EXPECT_DOUBLE_EQ(experts_touched(256, 8, 1), 8);
  EXPECT_LT(experts_touched(256, 8, 1e6), 256.0001);
}

TEST(PlanSpeed, MoreMemoryBandwidthAndDiskAreNeverSlower) {
  const PlannedModel model = m25("Q3_K_M");
  double before = 0;
  for (double resident = 0; resident <= 1.0; resident += 0.01) {
    MachineFacts machine = *machine_preset("laptop-32gb");
    SpeedSetup setup{&model, &machine, "q8_0", resident, 3e9};
    const double speed = answer_speed(setup, 512).expected;
    EXPECT_GE(speed, before) << resident;
    before = speed;
    const double prompt = prompt_speed(setup, 0, 2048).expected;
    setup.disk_bytes_per_second *= 2;
    EXPECT_GE(answer_speed(setup, 512).expected, speed);
    EXPECT_GE(prompt_speed(setup, 0, 2048).expected, prompt);
    machine.bandwidth_all.value *= 2;
    EXPECT_GE(answer_speed(setup, 512).expected, speed);
  }
}

TEST(PlanSpeed, HitsGrowWithMemoryAndShrinkWithTopics) {
  double before = -1;
  for (double resident = 0; resident <= 1.001; resident += 0.005) {
    const double mixed = expert_hit_rate(resident, Session::kMixedWork);
    EXPECT_GE(mixed, before);
    EXPECT_GE(expert_hit_rate(resident, Session::kOneTopic), mixed);
    EXPECT_LE(expert_hit_rate(resident, Session::kManyTopics), mixed);
    EXPECT_GE(mixed, resident * 0.999);  // better than chance
    before = mixed;
  }
  EXPECT_DOUBLE_EQ(expert_hit_rate(1, Session::kManyTopics), 1);
  EXPECT_DOUBLE_EQ(expert_hit_rate(0, Session::kOneTopic), 0);
}

TEST(KernelShares, LieBetweenWhatWasMeasured) {
  constexpr std::uint32_t kQ4_K = 12, kF32 = 0;
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 64, "avx2"), 0.63);
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 1000, "avx2"), 0.64);
  EXPECT_GT(kernel_share(kQ4_K, 30, "avx2"), 0.52);
  EXPECT_LT(kernel_share(kQ4_K, 30, "avx2"), 0.63);
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 64, "neon"), 0.63);
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 64, "avx512"), 0.71);
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 64, "avxvnni"), 0.7 * 0.63);
  EXPECT_DOUBLE_EQ(kernel_share(kQ4_K, 1, "avxvnni"), 0.56 * 0.220);
  EXPECT_TRUE(is_float_type(kF32));
  EXPECT_FALSE(is_float_type(kQ4_K));
}

}  // namespace
}  // namespace jevons
