#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "base/check.h"

namespace jevons {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail("{} is odd, expected an even number", value);
  return value / 2;
}

Result<int> quarter(int value) {
  JEVONS_ASSIGN(const int once, half(value));
  JEVONS_ASSIGN(const int twice, half(once));
  return twice;
}

Result<void> check_even(int value, bool* went_on) {
  JEVONS_TRY(half(value));
  *went_on = true;
  return {};
}

Result<std::unique_ptr<int>> boxed(int value) {
  JEVONS_ASSIGN(auto box, Result<std::unique_ptr<int>>(std::make_unique<int>(value)));
  return box;
}

TEST(Result, CarriesTheValueOrTheMessage) {
  EXPECT_EQ(quarter(12).value(), 3);
  ASSERT_FALSE(quarter(6));
  EXPECT_EQ(quarter(6).error().message, "3 is odd, expected an even number");
}

TEST(Result, TryReturnsAtTheFirstError) {
  bool went_on = false;
  EXPECT_FALSE(check_even(3, &went_on));
  EXPECT_FALSE(went_on);
  EXPECT_TRUE(check_even(4, &went_on));
  EXPECT_TRUE(went_on);
}

TEST(Result, AssignMovesWhatCannotBeCopied) { EXPECT_EQ(*boxed(7).value(), 7); }

TEST(CheckDeathTest, EndsTheProgramAndNamesTheCondition) {
  const int n_layers = 0;
  EXPECT_DEATH(JEVONS_CHECK(n_layers > 0), "n_layers > 0 is false at .*result_test.cpp");
}

}  // namespace
}  // namespace jevons
