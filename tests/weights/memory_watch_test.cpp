#include "weights/memory_watch.h"

#include <gtest/gtest.h>

namespace jevons {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kGB = 1'000'000'000;
const MemoryBudget::Time kStart{};

TEST(MemoryBudget, StaysWhereItIsWhileEnoughIsFree) {
  MemoryBudget budget(10 * kGB, kGB, kGB);
  // All that it may take is taken, and 2 GB are left.
  EXPECT_EQ(budget.next({2 * kGB}, 10 * kGB, kStart), 10 * kGB);
  // Nothing is taken yet, and 12 GB are free.
  EXPECT_EQ(budget.next({12 * kGB}, 0, kStart + 1s), 10 * kGB);
}

TEST(MemoryBudget, GivesUpWhatIsMissingInTheReserve) {
  MemoryBudget budget(10 * kGB, kGB, kGB);
  EXPECT_EQ(budget.next({kGB / 4}, 10 * kGB, kStart), 10 * kGB - 3 * kGB / 4);
  // What it has not taken yet counts as taken: 3 GB held of 9.25, and 4 GB free.
  EXPECT_EQ(budget.next({4 * kGB}, 3 * kGB, kStart), 6 * kGB);
}

TEST(MemoryBudget, NeverGoesBelowTheLeast) {
  MemoryBudget budget(10 * kGB, 2 * kGB, kGB);
  for (int i = 0; i < 100; ++i) static_cast<void>(budget.next({0}, 2 * kGB, kStart));
  EXPECT_EQ(budget.bytes(), 2 * kGB);
}

TEST(MemoryBudget, GrowsBackOnlyWhenMemoryHasBeenFreeForAWhile) {
  MemoryBudget budget(10 * kGB, kGB, kGB);
  static_cast<void>(budget.next({0}, 10 * kGB, kStart));
  ASSERT_EQ(budget.bytes(), 9 * kGB);
  EXPECT_EQ(budget.next({6 * kGB}, 9 * kGB, kStart + 1s), 9 * kGB);
  EXPECT_EQ(budget.next({6 * kGB}, 9 * kGB, kStart + 3s), 9 * kGB);
  // Somebody takes it again in between.
  EXPECT_EQ(budget.next({kGB}, 9 * kGB, kStart + 4s), 9 * kGB);
  EXPECT_EQ(budget.next({6 * kGB}, 9 * kGB, kStart + 7s), 9 * kGB);
  EXPECT_EQ(budget.next({6 * kGB}, 9 * kGB, kStart + 13s), 10 * kGB);
}

TEST(MemoryBudget, ShrinksWhenProgramsWaitForMemoryButNotAtEveryLook) {
  MemoryBudget budget(10 * kGB, kGB, kGB);
  const MemoryPressure stalled{5 * kGB, 40};
  EXPECT_EQ(budget.next(stalled, 10 * kGB, kStart), 9'500'000'000U);
  EXPECT_EQ(budget.next(stalled, 9'500'000'000U, kStart + 250ms), 9'500'000'000U);
  EXPECT_EQ(budget.next(stalled, 9'500'000'000U, kStart + 3s), 9 * kGB);
}

TEST(MemoryPressure, IsWhatTheSystemSays) {
  const MemoryPressure pressure = memory_pressure();
  EXPECT_GT(pressure.available_bytes, 0U);
  EXPECT_GE(pressure.stalled_percent, 0);
  EXPECT_LE(pressure.stalled_percent, 100);
}

}  // namespace
}  // namespace jevons
