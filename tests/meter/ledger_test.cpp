// The ledger's file and what writes it: what it refuses, what it does on a full disk.
#include "meter/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "ledger_rows.h"
#include "meter/ledger_report.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

std::int64_t n_rows(const std::string& path) {
  auto file = LedgerFile::open_to_read(path);
  EXPECT_TRUE(file) << file.error().message;
  return file->database().number("SELECT count(*) FROM requests").value_or(-1);
}

TEST(Ledger, WritesBehind) {
  const ScratchFolder folder;
  const std::string path = folder / "deep/er/ledger.db";
  auto ledger = Ledger::open(path, TimeZone::local(), milliseconds(20));
  ASSERT_TRUE(ledger) << ledger.error().message;
  (*ledger)->add(ledger_row("a"));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (n_rows(path) == 0 && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_EQ(n_rows(path), 1);
  (*ledger)->add(ledger_row("a"));
  (*ledger)->flush();
  EXPECT_EQ(n_rows(path), 2);
  EXPECT_EQ((*ledger)->status().n_written, 2U);
  struct ::stat facts{};
  ASSERT_EQ(::stat((folder / "deep/er").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);
  (*ledger)->add(ledger_row("a"));
  ledger->reset();
  EXPECT_EQ(n_rows(path), 3);
}

TEST(Ledger, KeepsEveryColumn) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  ASSERT_TRUE(file);
  LedgerRow other = ledger_row("");
  other.joules.reset();
  other.marginal_joules.reset();
  other.cost.reset();
  other.currency.clear();
  const LedgerRow rows[] = {ledger_row("k'ey\""), other};
  ASSERT_TRUE(file->write(rows, TimeZone::local()));
  auto query = file->database().prepare("SELECT * FROM requests ORDER BY id");
  ASSERT_TRUE(query);
  ASSERT_TRUE(*query->step());
  EXPECT_EQ(query->integer(1), kTuesday * 1000);
  EXPECT_EQ(query->text(2), "k'ey\"");
  EXPECT_EQ(query->text(3), "curl/8");
  EXPECT_EQ(query->text(4), "nano");
  EXPECT_EQ(query->text(5), "interactive");
  EXPECT_EQ(query->integer(6), 100);
  EXPECT_EQ(query->integer(7), 40);
  EXPECT_EQ(query->integer(8), 10);
  EXPECT_EQ(query->real(9), 0.5);
  EXPECT_EQ(query->real(10), 1);
  EXPECT_EQ(query->real(11), 2);
  EXPECT_EQ(query->integer(12), 360'000'000);
  EXPECT_EQ(query->integer(13), 300'000'000);
  EXPECT_EQ(query->text(14), "rapl");
  EXPECT_EQ(query->text(15), "partial");
  EXPECT_EQ(query->integer(16), 250'000'000);
  EXPECT_EQ(query->text(17), "EUR");
  EXPECT_EQ(query->text(18), "stop");
  ASSERT_TRUE(*query->step());
  EXPECT_TRUE(query->is_null(12) && query->is_null(13) && query->is_null(16));
}

TEST(Ledger, RefusesWhatIsNotOne) {
  const ScratchFolder folder;
  std::ofstream(folder / "text.db") << std::string(5000, 'x');
  EXPECT_THAT(LedgerFile::open(folder / "text.db").error().message,
              HasSubstr("text.db is not a database"));
  {
    auto other = Database::open(folder / "other.db", Database::Access::kReadWrite);
    ASSERT_TRUE(other->run("CREATE TABLE t(x)"));
  }
  EXPECT_THAT(LedgerFile::open(folder / "other.db").error().message,
              HasSubstr("database of another program"));
  EXPECT_THAT(LedgerFile::open_to_read(folder / "other.db").error().message,
              HasSubstr("database of another program"));
  {
    auto newer = LedgerFile::open(folder / "newer.db");
    ASSERT_TRUE(newer->database().run("PRAGMA user_version = 7"));
  }
  EXPECT_THAT(LedgerFile::open(folder / "newer.db").error().message,
              HasSubstr("a ledger of version 7, and this program knows versions up to 1"));
  EXPECT_THAT(LedgerFile::open_to_read(folder / "none.db").error().message, HasSubstr("none.db"));
  std::ofstream(folder / "file") << "x";
  EXPECT_FALSE(LedgerFile::open(folder / "file/ledger.db"));
  // Read again: another program's file was not touched.
  auto other = Database::open(folder / "other.db", Database::Access::kReadOnly);
  EXPECT_EQ(*other->number("SELECT count(*) FROM sqlite_master"), 1);
}

TEST(Ledger, NeedsAFileThatItMayWrite) {
  if (::geteuid() == 0 && ::seteuid(65534) != 0) GTEST_SKIP() << "root may write everything";
  {
    const ScratchFolder folder;
    ASSERT_TRUE(LedgerFile::open(folder / "l.db"));
    ASSERT_EQ(::chmod((folder / "l.db").c_str(), 0400), 0);
    EXPECT_THAT(LedgerFile::open(folder / "l.db").error().message,
                HasSubstr("cannot be written to"));
    EXPECT_TRUE(LedgerFile::open_to_read(folder / "l.db"));
  }
  if (::getuid() == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
}

// A disk that is full, as a limit on the size of files plays it: rows wait, and are written when
// there is room.
TEST(Ledger, GoesOnOverAFullDisk) {
  const ScratchFolder folder;
  auto ledger = Ledger::open(folder / "l.db", TimeZone::local(), milliseconds(10));
  ASSERT_TRUE(ledger);
  (*ledger)->add(ledger_row("a"));
  (*ledger)->flush();
  ASSERT_EQ((*ledger)->status().problem, "");
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 4096;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  for (int i = 0; i < 200; ++i) (*ledger)->add(ledger_row("b"));
  (*ledger)->flush();
  const LedgerStatus full = (*ledger)->status();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_NE(full.problem, "");
  EXPECT_EQ(full.n_waiting, 200U);
  (*ledger)->flush();
  EXPECT_EQ((*ledger)->status().problem, "");
  EXPECT_EQ((*ledger)->status().n_waiting, 0U);
  EXPECT_EQ(n_rows(folder / "l.db"), 201);
}

TEST(Ledger, TwoProgramsMayShareIt) {
  const ScratchFolder folder;
  auto one = Ledger::open(folder / "l.db", TimeZone::local(), milliseconds(1));
  auto two = Ledger::open(folder / "l.db", TimeZone::local(), milliseconds(1));
  ASSERT_TRUE(one && two);
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i) (*one)->add(ledger_row("one"));
    (*one)->flush();
  });
  for (int i = 0; i < 500; ++i) (*two)->add(ledger_row("two"));
  (*two)->flush();
  writer.join();
  one->reset();
  two->reset();
  EXPECT_EQ(n_rows(folder / "l.db"), 1000);
}

// An idle power that cannot be written holds back the rows with it; none is written twice.
TEST(Ledger, WritesRowsOnceWhenTheIdlePowerFails) {
  const ScratchFolder folder;
  const std::string path = folder / "l.db";
  auto ledger = Ledger::open(path, TimeZone::local(), milliseconds(10));
  ASSERT_TRUE(ledger);
  {
    auto file = LedgerFile::open(path);
    ASSERT_TRUE(file->database().run(
        "CREATE TRIGGER no BEFORE INSERT ON idle_power BEGIN SELECT RAISE(FAIL, 'no'); END"));
  }
  (*ledger)->add(ledger_row("a"));
  (*ledger)->remember_idle("rapl", 12.5);
  (*ledger)->flush();
  (*ledger)->flush();
  EXPECT_NE((*ledger)->status().problem, "");
  EXPECT_EQ(n_rows(path), 0);
  {
    auto file = LedgerFile::open(path);
    ASSERT_TRUE(file->database().run("DROP TRIGGER no"));
  }
  (*ledger)->flush();
  EXPECT_EQ((*ledger)->status().problem, "");
  EXPECT_EQ(n_rows(path), 1);
  EXPECT_EQ((*ledger)->status().n_written, 1U);
  EXPECT_EQ(**LedgerFile::open_to_read(path)->idle_watts("rapl"), 12.5);
}

TEST(Ledger, IsForItsOwnerAlone) {
  const ScratchFolder folder;
  const ::mode_t before = ::umask(022);
  auto ledger = Ledger::open(folder / "l.db", TimeZone::local(), milliseconds(10));
  ASSERT_TRUE(ledger);
  (*ledger)->add(ledger_row("a"));
  (*ledger)->flush();
  ::umask(before);
  for (const char* name : {"l.db", "l.db-wal", "l.db-shm"}) {
    struct ::stat facts{};
    ASSERT_EQ(::stat((folder / name).c_str(), &facts), 0) << name;
    EXPECT_EQ(facts.st_mode & 0777, 0600U) << name;
  }
}

TEST(Ledger, DropsOldRowsAndKeepsTheirSums) {
  const ScratchFolder folder;
  auto file = LedgerFile::open(folder / "l.db");
  const LedgerRow rows[] = {ledger_row("a", kTuesday - 401 * 86400), ledger_row("a")};
  ASSERT_TRUE(file->write(rows, TimeZone::local()));
  ASSERT_TRUE(file->drop_old_rows(kTuesday));
  EXPECT_EQ(*file->database().number("SELECT count(*) FROM requests"), 1);
  EXPECT_EQ(*file->database().number("SELECT sum(n) FROM days"), 2);
}

TEST(Ledger, RemembersIdlePower) {
  const ScratchFolder folder;
  {
    auto ledger = Ledger::open(folder / "l.db", TimeZone::local());
    (*ledger)->remember_idle("rapl", 12.5);
  }
  auto file = LedgerFile::open(folder / "l.db");
  EXPECT_EQ(**file->idle_watts("rapl"), 12.5);
  EXPECT_FALSE(*file->idle_watts("plug"));
}

}  // namespace
}  // namespace jevons
