#include "meter/budgets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ledger_rows.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(DayAccounts, EachBudgetEndsTheDay) {
  const TimeZone zone = TimeZone::local();
  DayAccounts days(zone, "EUR");
  const std::int64_t midnight = day_begin(zone, kTuesday, 1);
  EXPECT_FALSE(days.check("a", {.tokens = 100}, kTuesday));
  days.add("a", {99, 3599, 0.4}, kTuesday);
  EXPECT_FALSE(days.check("a", {100, 1, 0.5}, kTuesday));
  days.add("a", {1, 1, 0.1}, kTuesday);
  const auto tokens = days.check("a", {.tokens = 100}, kTuesday);
  ASSERT_TRUE(tokens);
  EXPECT_THAT(tokens->message,
              AllOf(HasSubstr("'a' may use 100 tokens a day"), HasSubstr("has used 100")));
  EXPECT_EQ(tokens->retry_seconds, midnight - kTuesday);
  EXPECT_THAT(days.check("a", {.watt_hours = 1}, kTuesday)->message, HasSubstr("1 Wh a day"));
  EXPECT_THAT(days.check("a", {.money = 0.5}, kTuesday)->message, HasSubstr("0.5 EUR a day"));
  EXPECT_FALSE(days.check("a", {}, kTuesday));
  EXPECT_FALSE(days.check("b", {100, 1, 0.5}, kTuesday));
  EXPECT_FALSE(days.check("a", {100, 1, 0.5}, midnight));
}

TEST(DayAccounts, YesterdayDoesNotCount) {
  const TimeZone zone = TimeZone::local();
  DayAccounts days(zone, "");
  days.preset({{"a", {40, 0, 0}}}, kTuesday);
  EXPECT_EQ(days.use_of("a", kTuesday).tokens, 40);
  days.add("a", {5, 0, 0}, day_begin(zone, kTuesday) - 1);
  EXPECT_EQ(days.use_of("a", kTuesday).tokens, 40);
  days.add("a", {5, 0, 0}, kTuesday + 1);
  EXPECT_EQ(days.use_of("a", kTuesday).tokens, 45);
  EXPECT_EQ(days.use_of("a", kTuesday + 86400 * 2).tokens, 0);
}

TEST(DayAccounts, CountsInTheHourBeforeADayWithoutMidnight) {
  const auto santiago = TimeZone::named("America/Santiago");
  if (!santiago) GTEST_SKIP() << "no tzdata";
  DayAccounts days(*santiago, "");
  const std::int64_t late = 1788667200 - 1800;  // half an hour before 2026-09-06
  days.add("a", {40, 0, 0}, late);
  EXPECT_TRUE(days.check("a", {.tokens = 40}, late + 1));
  EXPECT_EQ(days.use_of("a", late + 1800).tokens, 0);
}

TEST(DayAccounts, AClockThatIsSetBackFreesNothing) {
  DayAccounts days(TimeZone::local(), "");
  days.add("a", {40, 0, 0}, kTuesday);
  const std::int64_t before = kTuesday - 3 * 86400;
  EXPECT_EQ(days.use_of("a", before).tokens, 40);
  EXPECT_TRUE(days.check("a", {.tokens = 40}, before));
  days.add("a", {5, 0, 0}, before);
  EXPECT_EQ(days.use_of("a", before).tokens, 45);
  // The day that the clock shows now ends as any other.
  EXPECT_EQ(days.use_of("a", before + 86400).tokens, 0);
}

}  // namespace
}  // namespace jevons
