// Reports against sums that the test makes itself.
#include "meter/ledger_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "ledger_rows.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(LedgerReport, SinceIsUnderstood) {
  const TimeZone zone = TimeZone::local();
  EXPECT_EQ(parse_since("1d", zone, kTuesday)->day, day_text(zone, kTuesday));
  EXPECT_EQ(parse_since("30d", zone, kTuesday)->day,
            day_text(zone, day_begin(zone, kTuesday, -29)));
  EXPECT_EQ(parse_since("2026-01-05", zone, kTuesday)->day, "2026-01-05");
  EXPECT_EQ(parse_since("12h", zone, kTuesday)->at_ms, (kTuesday - 12 * 3600) * 1000);
  EXPECT_EQ(parse_since("all", zone, kTuesday)->day, "");
  for (const char* bad : {"", "d", "30", "-1d", "0d", "30 d", "30days", "2026-02-30", "20a6-02-03",
                          "2026-2-3", "99999999999d", "3w"}) {
    EXPECT_FALSE(parse_since(bad, zone, kTuesday)) << bad;
  }
  EXPECT_THAT(parse_since("soon", zone, kTuesday).error().message, HasSubstr("30d, 12h"));
}

struct Naive {
  std::int64_t n = 0, in = 0;
  std::int64_t microjoules = 0, nano_cost = 0;
};

// Random rows of two months: by every column, from days and from rows, as a loop adds them up.
TEST(LedgerReport, AddsUp) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  ASSERT_TRUE(file);
  const TimeZone zone = TimeZone::local();
  std::mt19937 random(11);
  std::vector<LedgerRow> rows;
  rows.reserve(3000);
  for (int i = 0; i < 3000; ++i) {
    LedgerRow row = ledger_row("key" + std::to_string(random() % 4),
                               kTuesday - static_cast<std::int64_t>(random() % (60 * 86400)));
    row.client = "client" + std::to_string(random() % 7);
    row.model = random() % 2 == 0 ? "a" : "b";
    row.tokens_in = static_cast<std::int64_t>(random() % 10000);
    row.joules = static_cast<double>(random() % 1'000'000'000) / 1e6;
    row.cost = (static_cast<double>(random() % 2'000'000) - 1e6) / 1e9;
    if (random() % 5 == 0) {
      row.joules.reset();
      row.cost.reset();
      row.currency.clear();
    }
    rows.push_back(row);
  }
  ASSERT_TRUE(file->write(rows, zone));
  for (const char* since_text : {"all", "30d", "7d", "36h"}) {
    const auto since = parse_since(since_text, zone, kTuesday);
    ASSERT_TRUE(since);
    for (const ReportBy by :
         {ReportBy::kDay, ReportBy::kClient, ReportBy::kKey, ReportBy::kModel}) {
      std::map<std::string, Naive> naive;
      for (const LedgerRow& row : rows) {
        const std::string day = day_text(zone, row.at_ms / 1000);
        if (since->at_ms != 0 ? row.at_ms < since->at_ms : day < since->day) continue;
        Naive& sum = naive[by == ReportBy::kDay      ? day
                           : by == ReportBy::kClient ? row.client
                           : by == ReportBy::kKey    ? row.key
                                                     : row.model];
        ++sum.n;
        sum.in += row.tokens_in;
        sum.microjoules += std::llround(row.joules.value_or(0) * 1e6);
        sum.nano_cost += std::llround(row.cost.value_or(0) * 1e9);
      }
      const auto lines = ledger_report(*file, by, *since, zone);
      ASSERT_TRUE(lines) << lines.error().message;
      ASSERT_EQ(lines->size(), naive.size()) << since_text;
      for (const ReportLine& line : *lines) {
        const Naive& sum = naive.at(line.name);
        EXPECT_EQ(line.n_requests, static_cast<std::uint64_t>(sum.n));
        EXPECT_EQ(line.tokens_in, sum.in);
        EXPECT_EQ(line.microjoules, sum.microjoules);
        EXPECT_EQ(line.nano_costs.contains("EUR") ? line.nano_costs.at("EUR") : 0, sum.nano_cost);
      }
    }
  }
}

TEST(LedgerReport, KeepsCurrenciesApart) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  LedgerRow dollars = ledger_row("a");
  dollars.currency = "USD";
  dollars.cost = 2;
  const LedgerRow rows[] = {ledger_row("a"), dollars, ledger_row("b")};
  ASSERT_TRUE(file->write(rows, TimeZone::local()));
  const auto lines = ledger_report(*file, ReportBy::kKey, {}, TimeZone::local());
  ASSERT_TRUE(lines);
  ASSERT_EQ(lines->size(), 2U);
  EXPECT_EQ(lines->front().name, "a");  // more joules
  EXPECT_THAT(lines->front().costs(),
              ElementsAre(testing::Pair("EUR", 0.25), testing::Pair("USD", 2)));
}

TEST(LedgerReport, SaysWhatKeysUsedToday) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  const LedgerRow rows[] = {ledger_row("a"), ledger_row("a"), ledger_row("a", kTuesday - 86400),
                            ledger_row("b")};
  ASSERT_TRUE(file->write(rows, TimeZone::local()));
  const auto uses = use_by_key(*file, kTuesday - 3600, "EUR");
  ASSERT_TRUE(uses);
  EXPECT_EQ(uses->at("a").tokens, 2 * (100 - 40 + 10));
  EXPECT_EQ(uses->at("a").joules, 720);
  EXPECT_EQ(uses->at("a").cost, 0.5);
  EXPECT_EQ(use_by_key(*file, kTuesday - 3600, "USD")->at("a").cost, 0);
}

}  // namespace
}  // namespace jevons
