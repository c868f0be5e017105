// What a kilowatt-hour costs, by price, by time of day and by hour.
#include "meter/tariff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/atomic_file.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::HasSubstr;

constexpr const char* kPeriods = R"(currency = "EUR"
timezone = "Europe/Berlin"
price = 0.35

[[period]]
days = "mon-fri"
from = "22:00"
to = "06:00"
price = 0.21

[[period]]
days = ["sat", "sun"]
price = 0.25
)";

Tariff toml(const std::string& text) {
  const auto tariff = Tariff::parse_toml(text, "t.toml", "");
  EXPECT_TRUE(tariff) << tariff.error().message;
  return tariff.value_or(Tariff());
}
std::string toml_problem(const std::string& text) {
  const auto tariff = Tariff::parse_toml(text, "t.toml", "");
  EXPECT_FALSE(tariff) << text;
  return tariff ? "" : tariff.error().message;
}

TEST(Tariff, ByTimeOfDay) {
  if (!TimeZone::named("Europe/Berlin")) GTEST_SKIP() << "no tzdata";
  const Tariff tariff = toml(kPeriods);
  EXPECT_EQ(tariff.currency(), "EUR");
  const auto price = [&](int day, int hour, int minute) {
    // February 2026 in Berlin is an hour ahead; the 2nd is a Monday.
    return *tariff.price_at(*unix_of(tariff.zone(), 2026, 2, day, hour * 3600 + minute * 60));
  };
  EXPECT_EQ(price(3, 12, 0), 0.35);
  EXPECT_EQ(price(3, 21, 59), 0.35);
  EXPECT_EQ(price(3, 22, 0), 0.21);
  EXPECT_EQ(price(4, 5, 59), 0.21);
  EXPECT_EQ(price(4, 6, 0), 0.35);
  // Friday's night goes on into Saturday; Sunday's is no night of a weekday.
  EXPECT_EQ(price(7, 3, 0), 0.21);
  EXPECT_EQ(price(7, 6, 0), 0.25);
  EXPECT_EQ(price(2, 3, 0), 0.35);
}

TEST(Tariff, APriceIsATariff) {
  const auto tariff = Tariff::read("0.32", "CHF");
  ASSERT_TRUE(tariff);
  EXPECT_EQ(tariff->price_at(0), 0.32);
  EXPECT_EQ(tariff->what(), "0.32 CHF/kWh");
  EXPECT_THAT(Tariff::read("0.32", "").error().message, HasSubstr("needs --currency"));
  EXPECT_THAT(Tariff::read("cheap", "EUR").error().message,
              HasSubstr("'cheap', and must be a price"));
  EXPECT_THAT(Tariff::read("/no/such.csv", "EUR").error().message, HasSubstr("/no/such.csv"));
}

TEST(Tariff, MistakesHaveTheirLine) {
  EXPECT_THAT(toml_problem("price = 1"), HasSubstr("currency is missing"));
  EXPECT_THAT(toml_problem("currency = \"EUR\""), HasSubstr("t.toml: price is missing"));
  const std::string head = "currency = \"EUR\"\nprice = 1\n";
  EXPECT_THAT(toml_problem("currency = \"EUR\"\nprice = \"x\"\n"),
              HasSubstr("t.toml:2: price must"));
  EXPECT_THAT(toml_problem(head + "prise = 2\n"), HasSubstr("t.toml:3: 'prise'"));
  EXPECT_THAT(toml_problem(head + "timezone = \"Mars\"\n"), HasSubstr("t.toml:3: there is no"));
  EXPECT_THAT(toml_problem(head + "[[period]]\nfrom = \"24:01\"\nprice = 1\n"),
              HasSubstr("t.toml:4: from must be a time"));
  EXPECT_THAT(toml_problem(head + "[[period]]\nto = 7\nprice = 1\n"), HasSubstr("t.toml:4: to"));
  EXPECT_THAT(toml_problem(head + "[[period]]\ndays = \"mo\"\nprice = 1\n"),
              HasSubstr("t.toml:4: days"));
  EXPECT_THAT(toml_problem(head + "[[period]]\ndays = []\nprice = 1\n"), HasSubstr("days"));
  EXPECT_THAT(toml_problem(head + "[[period]]\nfrom = \"10:00\"\n"),
              HasSubstr("t.toml:3: price is missing"));
  EXPECT_THAT(toml_problem(head + "[[period]]\nprize = 1\n"), HasSubstr("t.toml:4: 'prize'"));
  EXPECT_THAT(toml_problem(head + "period = 1\n"), HasSubstr("[[period]]"));
  EXPECT_THAT(toml_problem("price = = 1"), HasSubstr("t.toml:1:"));
}

Tariff csv(const std::string& text) {
  const auto tariff = Tariff::parse_csv(text, "t.csv", "EUR");
  EXPECT_TRUE(tariff) << tariff.error().message;
  return tariff.value_or(Tariff());
}
std::string csv_problem(const std::string& text) {
  const auto tariff = Tariff::parse_csv(text, "t.csv", "EUR");
  EXPECT_FALSE(tariff) << text;
  return tariff ? "" : tariff.error().message;
}

// 2026-02-03 13:00 UTC.
constexpr std::int64_t kOne = 1770123600;

TEST(Tariff, ByTheHour) {
  const Tariff tariff =
      csv("\xEF\xBB\xBFtime,price\r\n2026-02-03T14:00+01:00,0.30\r\n# noon\r\n\r\n"
          "2026-02-03 14:00:00Z;-0.02\r\n2026-02-03T16:00:00+0000, 0.10\r\n");
  EXPECT_FALSE(tariff.price_at(kOne - 1));
  EXPECT_EQ(tariff.price_at(kOne), 0.30);
  EXPECT_EQ(tariff.price_at(kOne + 3599), 0.30);
  EXPECT_EQ(tariff.price_at(kOne + 3600), -0.02);
  // Of the hour from 15:00 nothing is said, and a price holds for an hour at most.
  EXPECT_FALSE(tariff.price_at(kOne + 7200));
  EXPECT_EQ(tariff.price_at(kOne + 3 * 3600), 0.10);
  EXPECT_FALSE(tariff.price_at(kOne + 4 * 3600));
}

TEST(Tariff, ByQuartersOfAnHour) {
  const Tariff tariff = csv("2026-02-03T13:00Z,1\n2026-02-03T13:15Z,2\n2026-02-03T13:30Z,3\n");
  EXPECT_EQ(tariff.price_at(kOne + 899), 1);
  EXPECT_EQ(tariff.price_at(kOne + 900), 2);
  EXPECT_EQ(tariff.price_at(kOne + 1800 + 899), 3);
  EXPECT_FALSE(tariff.price_at(kOne + 2700));
}

TEST(Tariff, LinesMustBeTimesAndPrices) {
  EXPECT_THAT(csv_problem(""), HasSubstr("has no prices"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00Z,1\nsoon,1\n"), HasSubstr("t.csv:2: 'soon,1'"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00Z,1\n2026-02-03T14:00Z\n"), HasSubstr("t.csv:2:"));
  EXPECT_THAT(csv_problem("2026-02-30T13:00Z,1\n"), HasSubstr("t.csv:1:"));
  EXPECT_THAT(csv_problem("2026-02-03T25:00Z,1\n"), HasSubstr("t.csv:1:"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00+1,1\n"), HasSubstr("t.csv:1:"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00Z,0.3x\n"), HasSubstr("t.csv:1: the price is '0.3x'"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00Z,nan\n"), HasSubstr("the price is 'nan'"));
  EXPECT_THAT(csv_problem("2026-02-03T13:00Z,1\n2026-02-03T13:00Z,2\n"),
              HasSubstr("t.csv:2: 2026-02-03T13:00Z is not after"));
  EXPECT_THAT(Tariff::parse_csv("2026-02-03T13:00Z,1\n", "t.csv", "").error().message,
              HasSubstr("needs --currency"));
}

TEST(Tariff, FilesAreToldByTheirEndings) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "a.csv", "2026-02-03T13:00Z,1\n"));
  ASSERT_TRUE(write_file_atomically(folder / "a.toml", "currency = \"EUR\"\nprice = 2\n"));
  EXPECT_EQ(Tariff::read(folder / "a.csv", "USD")->price_at(kOne), 1);
  EXPECT_EQ(Tariff::read(folder / "a.toml", "")->price_at(kOne), 2);
  EXPECT_EQ(Tariff::read(folder / "a.toml", "USD")->currency(), "USD");
}

}  // namespace
}  // namespace jevons
