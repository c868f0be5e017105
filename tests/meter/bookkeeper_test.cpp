// Energy, price, ledger and budgets together.
#include "meter/bookkeeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <thread>
#include <utility>

#include "base/atomic_file.h"
#include "ledger_rows.h"
#include "plug_stand_in.h"
#include "sys_tree.h"

namespace jevons {
namespace {

using testing::HasSubstr;

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

class BookkeeperTest : public testing::Test {
 protected:
  BookkeeperOptions options() const {
    BookkeeperOptions made;
    made.sensors.root = sys_.root();
    made.sensors.nvml_library = "libthere-is-no-such.so.1";
    made.ledger = sys_.root() + "/ledger.db";
    return made;
  }
  static std::unique_ptr<Bookkeeper> opened(BookkeeperOptions options) {
    auto books = Bookkeeper::open(std::move(options));
    EXPECT_TRUE(books) << books.error().message;
    return *std::move(books);
  }
  static std::string problem(BookkeeperOptions options) {
    auto books = Bookkeeper::open(std::move(options));
    EXPECT_FALSE(books);
    return books ? "" : books.error().message;
  }
  SysTree sys_;
};

TEST_F(BookkeeperTest, WithoutASourceThereIsNoEnergy) {
  const auto books = opened(options());
  EXPECT_FALSE(books->has_energy());
  bool is_called = false;
  books->settle({1}, [&](const std::optional<EnergyUse>& use) {
    EXPECT_FALSE(use);
    is_called = true;
  });
  EXPECT_TRUE(is_called);
  EXPECT_EQ(books->status().missing.size(), 4U);
  EXPECT_THAT(books->problem_with({.watt_hours = 5}), HasSubstr("there is none; RAPL: "));
  EXPECT_THAT(books->problem_with({.money = 5}), HasSubstr("needs a source of energy"));
  EXPECT_EQ(books->problem_with({.tokens = 5}), "");
}

TEST_F(BookkeeperTest, RefusesWhatContradictsItself) {
  BookkeeperOptions bad = options();
  bad.stated_watts = 100;
  bad.idle_watts = 120;
  EXPECT_THAT(problem(std::move(bad)), HasSubstr("--idle-watts 120 is above --watts 100"));
  bad = options();
  bad.stated_watts = 100;
  bad.sensors.source = "rapl";
  EXPECT_THAT(problem(std::move(bad)), HasSubstr("give one of them"));
  bad = options();
  bad.stated_watts = 100;
  bad.extra_watts = 5;
  EXPECT_THAT(problem(std::move(bad)), HasSubstr("--extra-watts"));
  bad = options();
  bad.tariff = "0.3";
  EXPECT_THAT(problem(std::move(bad)), HasSubstr("--currency"));
  bad = options();
  bad.sensors.source = "rapl";
  EXPECT_THAT(problem(std::move(bad)), HasSubstr("--energy rapl"));
}

TEST_F(BookkeeperTest, BudgetsNeedWhatCountsThem) {
  BookkeeperOptions with_watts = options();
  with_watts.stated_watts = 100;
  EXPECT_EQ(opened(std::move(with_watts))->problem_with({.watt_hours = 1}), "");
  with_watts = options();
  with_watts.stated_watts = 100;
  EXPECT_THAT(opened(std::move(with_watts))->problem_with({.money = 1}), HasSubstr("--tariff"));
  BookkeeperOptions without_ledger = options();
  without_ledger.ledger.clear();
  EXPECT_THAT(opened(std::move(without_ledger))->problem_with({.tokens = 1}),
              HasSubstr("needs the ledger"));
}

TEST_F(BookkeeperTest, ARestartDoesNotForgetTheDay) {
  {
    const auto books = opened(options());
    books->record(ledger_row("a", unix_now()));
    EXPECT_EQ(books->use_of("a").tokens, 70);
  }
  const auto books = opened(options());
  EXPECT_EQ(books->use_of("a").tokens, 70);
  EXPECT_TRUE(books->check("a", {.tokens = 70}));
  EXPECT_FALSE(books->check("a", {.tokens = 71}));
}

TEST_F(BookkeeperTest, GoesOnWithoutItsLedger) {
  BookkeeperOptions made = options();
  std::ofstream(made.ledger) << std::string(5000, 'x');
  const auto books = opened(std::move(made));
  EXPECT_STREQ(books->status().ledger_word(), "failing");
  EXPECT_THAT(books->status().ledger_problem, HasSubstr("is not a database"));
  EXPECT_THAT(books->problem_with({.tokens = 5}), HasSubstr("is not a database"));
  books->record(ledger_row("a", unix_now()));
  EXPECT_EQ(books->use_of("a").tokens, 70);
  EXPECT_EQ(books->status().requests.n_measured, 1U);
}

TEST_F(BookkeeperTest, RecordsWhatIsSettledLater) {
  BookkeeperOptions made = options();
  made.stated_watts = 100;
  made.tariff = "0.36";
  made.currency = "EUR";
  const std::string path = made.ledger;
  auto books = opened(std::move(made));
  // A step of 20 ms that begins when it is first asked for, and is told once.
  using Clock = std::chrono::steady_clock;
  static constexpr auto kStep = std::chrono::milliseconds(20);
  books->attach(
      [begin = Clock::time_point(), is_told = false](std::vector<RequestWork>& work) mutable {
        const auto now = Clock::now();
        if (begin == Clock::time_point()) begin = now;
        if (now < begin + kStep) return WorkUntil{begin, 0, true, false};
        if (!std::exchange(is_told, true)) {
          work.push_back({5, begin, begin + kStep, 1, false});
          work.push_back({.id = 5, .is_last = true});
        }
        return WorkUntil{now, 0, false, false};
      });
  LedgerRow row = ledger_row("a", unix_now());
  row.joules.reset();
  row.cost.reset();
  row.currency.clear();
  books->record_when_settled(std::move(row), {5});
  books->wait_settled(std::chrono::seconds(30));
  books.reset();
  auto file = LedgerFile::open_to_read(path);
  const auto lines = ledger_report(*file, ReportBy::kKey, {}, TimeZone::local());
  ASSERT_EQ(lines->size(), 1U);
  EXPECT_EQ(lines->front().n_measured, 1U);
  EXPECT_NEAR(lines->front().joules(), 2, 1e-6);
  EXPECT_NEAR(lines->front().costs().at("EUR"), 2e-7, 1e-12);
}

// Without a feed nothing is ever over: the row is written when the books close.
TEST_F(BookkeeperTest, RecordsWhatIsOpenWhenItEnds) {
  BookkeeperOptions made = options();
  made.stated_watts = 100;
  const std::string path = made.ledger;
  auto books = opened(std::move(made));
  LedgerRow row = ledger_row("a", unix_now());
  row.joules.reset();
  for (RequestId id = 1; id <= 3; ++id) books->record_when_settled(row, {id});
  books.reset();
  auto file = LedgerFile::open_to_read(path);
  EXPECT_EQ(*file->database().number("SELECT count(*) FROM requests"), 3);
}

TEST_F(BookkeeperTest, ReadsATariffAgainThatChanges) {
  const std::string path = sys_.root() + "/t.toml";
  ASSERT_TRUE(write_file_atomically(path, "currency = \"EUR\"\nprice = 1\n"));
  BookkeeperOptions made = options();
  made.tariff = path;
  const auto books = opened(std::move(made));
  EXPECT_EQ(books->status().price, 1);
  EXPECT_EQ(books->status().currency, "EUR");
}

TEST_F(BookkeeperTest, KnowsIdlePowerFromAnEarlierRun) {
  sys_.add_zone("intel-rapl:0", "package-0", 0, 1'000'000'000);
  {
    auto file = LedgerFile::open(options().ledger);
    ASSERT_TRUE(file->set_idle_watts("rapl", 17, 0));
  }
  const auto books = opened(options());
  EXPECT_EQ(books->status().energy->idle_watts, 17);
  EXPECT_EQ(books->status().energy->idle_origin, "remembered");
}

TEST_F(BookkeeperTest, APlugOverHttpIsASource) {
  PlugStandIn plug;
  plug.answer(R"({"apower": 64})");
  BookkeeperOptions made = options();
  made.sensors.source = plug.url();
  made.sensors.pointer = "/apower";
  const auto books = opened(std::move(made));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!books->status().energy->watts && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_TRUE(books->status().energy->watts);
  EXPECT_NEAR(*books->status().energy->watts, 64, 0.5);
  EXPECT_EQ(books->status().energy->source, "plug");
  EXPECT_EQ(books->status().energy->confidence, "measured");
}

}  // namespace
}  // namespace jevons
