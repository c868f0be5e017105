// A program that is killed while it writes: the file stays whole, and only the last second is lost.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "ledger_rows.h"
#include "meter/ledger.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::int64_t unix_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Adds rows as fast as it can until it is killed; each has its time.
[[noreturn]] void write_for_ever(const std::string& path) {
  auto ledger = Ledger::open(path, TimeZone::local());
  if (!ledger) ::_exit(3);
  for (;;) {
    LedgerRow row = ledger_row("crash");
    row.at_ms = unix_ms();
    (*ledger)->add(std::move(row));
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

TEST(LedgerCrash, KilledManyTimesItStaysWhole) {
  const ScratchFolder folder;
  const std::string path = folder / "l.db";
  std::int64_t n_before = 0;
  for (int round = 0; round < 6; ++round) {
    const ::pid_t child = ::fork();
    if (child == 0) write_for_ever(path);
    // Between two flushes and in the middle of one.
    const auto killed_after = milliseconds(2300 + 170 * round);
    std::this_thread::sleep_for(killed_after);
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    const std::int64_t killed_at = unix_ms();
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;

    auto file = LedgerFile::open(path);
    ASSERT_TRUE(file) << file.error().message;
    auto check = file->database().prepare("PRAGMA integrity_check");
    ASSERT_TRUE(*check->step());
    EXPECT_EQ(check->text(0), "ok");
    const std::int64_t n = *file->database().number("SELECT count(*) FROM requests");
    EXPECT_GT(n, n_before);
    // Sums and rows were written together or not at all.
    EXPECT_EQ(*file->database().number("SELECT sum(n) FROM days"), n);
    const std::int64_t last = *file->database().number("SELECT max(at_ms) FROM requests");
    // A second between flushes, and what a loaded machine needs to wake the thread and write.
    EXPECT_LT(killed_at - last, 1000 + 900) << "round " << round;
    n_before = n;
  }
}

}  // namespace
}  // namespace jevons
