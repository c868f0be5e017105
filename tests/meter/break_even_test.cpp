#include "meter/break_even.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

using testing::HasSubstr;

Amount amount(const std::string& text) { return Amount::parse(text).value(); }

OwnMachine machine(const std::string& watts) {
  const auto known = [](const std::string& value) { return KnownFigure{amount(value), "test"}; };
  OwnMachine own;
  own.tokens_per_second = known("50");
  own.watts = known(watts);
  own.kwh_price = known("0.25");
  own.hardware_price = known("3000");
  own.life_years = known("4");
  return own;
}

// 100 W all year are 876 kWh, 219 a year.
TEST(BreakEven, IsTheHardwareByWhatAMonthSaves) {
  const auto result = break_even(machine("100"), {}, amount("1719"));
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->hosted_per_month, amount("143.25"));
  EXPECT_EQ(result->running_per_month, amount("18.25"));
  EXPECT_EQ(result->months, Amount(24));  // 3000 / 125
  EXPECT_TRUE(result->is_within_life);
}

TEST(BreakEven, NeverAndTooLateAreTold) {
  EXPECT_EQ(break_even(machine("100"), {}, Amount(219))->months, std::nullopt);
  EXPECT_EQ(break_even(machine("100"), {}, Amount(100))->months, std::nullopt);
  EXPECT_FALSE(break_even(machine("100"), {}, Amount(100))->is_within_life);
  const auto late = break_even(machine("100"), {}, Amount(319));
  EXPECT_EQ(late->months, Amount(360));
  EXPECT_FALSE(late->is_within_life);
  const auto just = break_even(machine("100"), {}, Amount(969));  // 3000 / 750 = 4 years
  EXPECT_EQ(just->months, Amount(48));
  EXPECT_TRUE(just->is_within_life);
}

TEST(BreakEven, TwiceTheMachinesCostTwiceTheHardware) {
  Workload twice;
  twice.tokens_per_second = 100;
  const auto result = break_even(machine("100"), twice, amount("3438"));
  EXPECT_EQ(result->hardware, Amount(6000));
  EXPECT_EQ(result->months, Amount(24));
}

TEST(BreakEven, LessPowerNeverPaysLater) {
  Amount before = Amount(1000);
  for (const char* watts : {"700", "300", "100", "20", "0"}) {
    const auto result = break_even(machine(watts), {}, Amount(1892));
    ASSERT_TRUE(result->months.has_value()) << watts;
    EXPECT_LT(*result->months, before) << watts;
    before = *result->months;
  }
}

TEST(BreakEven, TheErrorNamesWhatIsMissing) {
  OwnMachine own = machine("100");
  own.kwh_price.reset();
  own.life_years.reset();
  const auto result = break_even(own, {}, Amount(1892));
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("--tariff, --life"));
}

}  // namespace
}  // namespace jevons
