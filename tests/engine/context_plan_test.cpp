#include "engine/context_plan.h"

#include <gtest/gtest.h>

namespace jevons {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

// M2.5 at 8 bits: 134,912 bytes for each token of context.
ContextDemand demand(int asked, std::uint64_t weights, std::uint64_t available) {
  return {asked, 196608, 134912 * 64, weights, kGiB / 2, available, 0};
}

TEST(ContextPlan, DefaultIsCappedByHabitModelAndMemory) {
  EXPECT_EQ(plan_context(demand(0, 100 * kGiB, 128 * kGiB)).value(), 32768);
  ContextDemand small_model = demand(0, kGiB, 128 * kGiB);
  small_model.model_limit = 4096;
  EXPECT_EQ(plan_context(small_model).value(), 4096);
  const int fits = plan_context(demand(0, 100 * kGiB, 102 * kGiB)).value();
  EXPECT_GT(fits, 8000);
  EXPECT_LT(fits, 12000);
  EXPECT_EQ(fits % 64, 0);
}

TEST(ContextPlan, WeightsThatDoNotFitLeaveAQuarterToTheCache) {
  const int fits = plan_context(demand(0, 100 * kGiB, 16 * kGiB)).value();
  EXPECT_NEAR(fits, 15.25 * 0x1p30 / 4 / 134912, 64);
}

TEST(ContextPlan, AskingForMoreThanTheModelHasIsRefused) {
  const auto result = plan_context(demand(200000, kGiB, 512 * kGiB));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("200000"), std::string::npos);
  EXPECT_NE(result.error().message.find("196608"), std::string::npos);
}

TEST(ContextPlan, AskingForMoreThanFitsSaysWhatDoes) {
  const auto result = plan_context(demand(100000, 20 * kGiB, 24 * kGiB));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("100000 tokens"), std::string::npos);
  const auto hint = result.error().message.find("-c ");
  ASSERT_NE(hint, std::string::npos);
  const int fits = std::stoi(result.error().message.substr(hint + 3));
  EXPECT_EQ(plan_context(demand(fits, 20 * kGiB, 24 * kGiB)).value(), fits);
}

TEST(ContextPlan, NoRoomAtAllIsAnError) {
  const auto result = plan_context(demand(0, 100 * kGiB, kGiB / 4));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("not enough memory"), std::string::npos);
}

TEST(ContextPlan, TooLittleMemoryGivenIsNotTheMachinesFault) {
  ContextDemand stingy = demand(0, kGiB, 128 * kGiB);
  stingy.kv_memory_bytes = 1;
  const auto none = plan_context(stingy);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("given to keys and values"), std::string::npos);
  EXPECT_EQ(none.error().message.find("available"), std::string::npos);
  stingy.kv_memory_bytes = kGiB;
  stingy.asked = 100000;
  const auto little = plan_context(stingy);
  ASSERT_FALSE(little);
  EXPECT_NE(little.error().message.find("are given to it"), std::string::npos);
}

}  // namespace
}  // namespace jevons
