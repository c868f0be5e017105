// What a kilowatt-hour costs, by price, by time of day and by hour.
#include "meter/tariff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <cstdlib>
#include <random>

#include "base/atomic_file.h"
#include "ledger_rows.h"
#include "meter/day.h"
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

// 2026-03-29 01:00 UTC: in Berlin 02:00 becomes 03:00; 2026-10-25 01:00 UTC: 03:00 becomes 02:00.
constexpr std::int64_t kSpring = 1774746000, kAutumn = 1792890000;

TEST(Tariff, FollowsTheClockWhenItIsChanged) {
  if (!TimeZone::named("Europe/Berlin")) GTEST_SKIP() << "no tzdata";
  const Tariff tariff = toml(
      "currency = \"EUR\"\ntimezone = \"Europe/Berlin\"\nprice = 3\n"
      "[[period]]\nfrom = \"02:00\"\nto = \"03:00\"\nprice = 2\n"
      "[[period]]\nfrom = \"22:00\"\nto = \"06:00\"\nprice = 1\n");
  const auto minutes_at = [&](std::int64_t around, double price) {
    int n = 0;
    for (std::int64_t t = around - 43200; t < around + 43200; t += 60) {
      n += tariff.price_at(t) == price ? 1 : 0;
    }
    return n;
  };
  // The hour from two to three: not there, there twice, there once.
  EXPECT_EQ(minutes_at(kSpring, 2), 0);
  EXPECT_EQ(minutes_at(kAutumn, 2), 120);
  EXPECT_EQ(minutes_at(kTuesday, 2), 60);
  EXPECT_EQ(tariff.price_at(kSpring - 1), 1);
  EXPECT_EQ(tariff.price_at(kSpring), 1) << "three o'clock";
  // A night that is an hour shorter ends at six all the same.
  EXPECT_EQ(tariff.price_at(kSpring + 3 * 3600 - 1), 1);
  EXPECT_EQ(tariff.price_at(kSpring + 3 * 3600), 3);
  EXPECT_EQ(tariff.price_at(kAutumn + 4 * 3600 - 1), 1);
  EXPECT_EQ(tariff.price_at(kAutumn + 4 * 3600), 3);
}

// The clock of a place, by the C library instead of by our own reading of its zone.
class ClockOf {
 public:
  explicit ClockOf(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  ~ClockOf() {
    ::unsetenv("TZ");
    ::tzset();
  }
  ClockOf(const ClockOf&) = delete;
  ClockOf& operator=(const ClockOf&) = delete;
  [[nodiscard]] std::tm at(std::int64_t unix_seconds) const {
    const std::time_t time = unix_seconds;
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return parts;
  }
};

// Random tariffs of random places at random minutes, against a walk over the periods that knows
// no night: it asks of each whether it began today or yesterday.
TEST(Tariff, HoldsWhatAnyClockSays) {
  std::mt19937 random(3);
  const auto below = [&](int n) {
    return static_cast<int>(random() % static_cast<unsigned long>(n));
  };
  for (const char* place : {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                            "Asia/Kathmandu", "Pacific/Auckland", "UTC"}) {
    if (!TimeZone::named(place)) GTEST_SKIP() << "no tzdata";
    const ClockOf clock(place);
    for (int round = 0; round < 20; ++round) {
      struct Period {
        unsigned days;
        int from, to;  // minutes of the day
      };
      std::vector<Period> periods;
      std::string text = fmt::format("currency = \"X\"\ntimezone = \"{}\"\nprice = -1\n", place);
      for (int i = 0, n = 1 + below(4); i < n; ++i) {
        const Period made{1U + static_cast<unsigned>(below(127)), below(1440), 1 + below(1440)};
        std::string days;
        for (int day = 0; day < 7; ++day) {
          constexpr const char* kNames[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
          if ((made.days >> day & 1U) != 0) {
            days += fmt::format("{}\"{}\"", days.empty() ? "" : ", ", kNames[day]);
          }
        }
        text += fmt::format(
            "[[period]]\ndays = [{}]\nfrom = \"{:02}:{:02}\"\nto = \"{:02}:{:02}\"\nprice = {}\n",
            days, made.from / 60, made.from % 60, made.to / 60, made.to % 60, i);
        periods.push_back(made);
      }
      const Tariff tariff = toml(text);
      for (int i = 0; i < 300; ++i) {
        // Half of them within a day of a change of Berlin's clock.
        const std::int64_t at = i % 2 == 0
                                    ? (i % 4 == 0 ? kSpring : kAutumn) + below(172800) - 86400
                                    : 1735689600 + below(315360000);
        const std::tm parts = clock.at(at);
        const int minute = 60 * parts.tm_hour + parts.tm_min;
        const int today = (parts.tm_wday + 6) % 7;
        double expected = -1;
        for (std::size_t k = periods.size(); k-- > 0;) {
          const auto [days, from, to] = periods[k];
          const int length = to > from ? to - from : to + 1440 - from;
          for (const int back : {0, 1}) {
            const int since_midnight = minute + 1440 * back;  // of the day on which it began
            const bool is_on = (days >> ((today + 7 - back) % 7) & 1U) != 0;
            if (is_on && since_midnight >= from && since_midnight < from + length) {
              expected = static_cast<double>(k);
            }
          }
        }
        ASSERT_EQ(tariff.price_at(at), expected) << place << " at " << at << "\n" << text;
      }
    }
  }
}

TEST(Tariff, TheMeanOfAYearCountsEveryMinute) {
  EXPECT_EQ(Tariff::read("0.32", "EUR")->mean(kOne).price, 0.32);
  // 365 nights of 8 hours in 8,760 hours, whatever the clock does: one change takes an hour of a
  // night, the other gives it back.
  const Tariff nights = toml(
      "currency = \"EUR\"\ntimezone = \"UTC\"\nprice = 0.30\n"
      "[[period]]\nfrom = \"22:00\"\nto = \"06:00\"\nprice = 0.12\n");
  EXPECT_NEAR(nights.mean(kOne).price, (16 * 0.30 + 8 * 0.12) / 24, 1e-12);
  EXPECT_EQ(nights.mean(kOne).days, 365);
  // By how long each holds: a quarter at 1, 2 and 3 each, then an hour at 9.
  const Tariff quarters =
      csv("2026-02-03T13:00Z,1\n2026-02-03T13:15Z,2\n2026-02-03T13:30Z,3\n2026-02-03T14:00Z,9\n"
          "2026-02-03T15:00Z,9\n");
  const Tariff::Mean mean = quarters.mean(kOne);
  EXPECT_NEAR(mean.price, (0.25 * 1 + 0.25 * 2 + 0.5 * 3 + 2 * 9) / 3, 1e-12);
  EXPECT_NEAR(mean.days, 3.0 / 24, 1e-12);
  // Of two years only the last one counts.
  std::string years = "2024-02-03T13:00Z,100\n";
  for (std::int64_t i = 0; i < 365 * 24; ++i) {
    const std::int64_t at = kOne - (365 * 24 - i) * 3600;
    years +=
        fmt::format("{}T{:02}:00Z,{}\n", day_text(day_of(at)), at / 3600 % 24, i % 2 == 0 ? 5 : 7);
  }
  EXPECT_NEAR(csv(years).mean(kOne).price, 6, 1e-9);
  EXPECT_NEAR(csv(years).mean(kOne).days, 365, 1e-9);
}

}  // namespace
}  // namespace jevons
