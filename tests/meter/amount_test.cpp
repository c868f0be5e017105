#include "meter/amount.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace jevons {
namespace {

using testing::HasSubstr;

Amount amount(const std::string& text) {
  const auto parsed = Amount::parse(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed.value_or(Amount());
}

TEST(Amount, ReadsAndWritesDecimals) {
  EXPECT_EQ(amount("0.028").micro(), 28'000);
  EXPECT_EQ(amount("-3.5").micro(), -3'500'000);
  EXPECT_EQ(amount("007"), Amount(7));
  EXPECT_EQ(amount("999999999.999999").shortest(), "999999999.999999");
  for (const char* text : {"0", "1", "0.5", "12.25", "-0.000001", "1000"}) {
    EXPECT_EQ(amount(text).shortest(), text);
  }
}

TEST(Amount, RefusesWhatIsNoDecimal) {
  for (const char* text : {"", ".", "-", "1.", ".5", "1e3", "1,5", " 1", "1 ", "+1", "--1", "0x10",
                           "nan", "inf", "1.2.3", "1.0000001", "1234567890", "१"}) {
    const auto parsed = Amount::parse(text);
    ASSERT_FALSE(parsed.has_value()) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr("0.028")) << "says what one looks like";
  }
}

TEST(Amount, WritesThousandsAndRoundsHalfAwayFromZero) {
  EXPECT_EQ(amount("39420").text(0), "39,420");
  EXPECT_EQ(amount("1892.16").text(0), "1,892");
  EXPECT_EQ(amount("7568.64").text(0), "7,569");
  EXPECT_EQ(amount("1234567.895").text(2), "1,234,567.90");
  EXPECT_EQ(amount("0.5").text(0), "1");
  EXPECT_EQ(amount("-0.5").text(0), "-1");
  EXPECT_EQ(amount("0.04").text(1), "0.0");
  EXPECT_EQ(amount("-1234.5").text(1), "-1,234.5");
  EXPECT_EQ(amount("100").text(0), "100");
  EXPECT_EQ(amount("999.999").text(2), "1,000.00");
}

TEST(Amount, MultipliesAndDividesAsFractionsDo) {
  EXPECT_EQ(amount("1.2") / amount("25"), amount("0.048"));
  EXPECT_EQ(amount("0.1") + amount("0.2"), amount("0.3"));
  EXPECT_EQ(Amount(1) / Amount(3), amount("0.333333"));
  EXPECT_EQ(Amount(-2) / Amount(3), amount("-0.666667"));
  EXPECT_EQ(Amount(2) / Amount(-3), amount("-0.666667"));
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const auto a = static_cast<long long>(random() % 2'000'000'000'000) - 1'000'000'000'000;
    const auto b = static_cast<long long>(random() % 2'000'000'000) - 1'000'000'000;
    const Amount product = Amount::of_micro(a) * Amount::of_micro(b);
    // Twice the distance from the true product is at most one unit.
    const __int128 off = 2 * (static_cast<__int128>(a) * b - product.micro() * 1'000'000);
    EXPECT_LE(off < 0 ? -off : off, 1'000'000);
    if (b == 0) continue;
    const Amount quotient = Amount::of_micro(a) / Amount::of_micro(b);
    const __int128 rest = 2 * (static_cast<__int128>(a) * 1'000'000 - quotient.micro() * b);
    EXPECT_LE(rest < 0 ? -rest : rest, b < 0 ? -b : b);
  }
}

TEST(Amount, CeilingIsTheNextWhole) {
  EXPECT_EQ(amount("1").ceiling(), 1);
  EXPECT_EQ(amount("1.000001").ceiling(), 2);
  EXPECT_EQ(amount("0").ceiling(), 0);
  EXPECT_EQ(amount("-0.5").ceiling(), 0);
}

TEST(AmountDeath, AProductBeyondThirtyEightDigitsEndsTheProgram) {
  const Amount big = amount("999999999") * amount("999999999");
  EXPECT_DEATH(big * big, "internal error");
}

}  // namespace
}  // namespace jevons
