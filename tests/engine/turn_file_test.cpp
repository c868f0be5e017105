#include "engine/turn_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/atomic_file.h"
#include "engine/turn_store.h"
#include "tests/base/scratch_folder.h"
#include "text/output_parser.h"

namespace jevons {
namespace {

constexpr std::uint64_t kRoom = 1 << 20;

TurnRecord record(int i) {
  return {.key = "key \n" + std::to_string(i),
          .opening = i % 2 == 0 ? "<think>\n" : "",
          .reasoning = std::string(static_cast<std::size_t>(i % 7), 'r'),
          .ids = std::vector<std::int32_t>(static_cast<std::size_t>(i % 5), i)};
}

std::vector<TurnRecord> records(int n) {
  std::vector<TurnRecord> list;
  for (int i = 0; i < n; ++i) list.push_back(record(i));
  return list;
}

std::vector<TurnRecord> reopened(const std::string& path, std::string_view fingerprint = "model",
                                 std::uint64_t max_bytes = kRoom) {
  std::vector<TurnRecord> found;
  const auto file = TurnFile::open(path, fingerprint, max_bytes, found);
  EXPECT_TRUE(file) << file.error().message;
  return found;
}

void write_records(const std::string& path, int n) {
  std::vector<TurnRecord> found;
  const auto file = TurnFile::open(path, "model", kRoom, found);
  ASSERT_TRUE(file) << file.error().message;
  for (const TurnRecord& item : records(n)) (*file)->append(item);
}

TEST(TurnFile, GivesBackWhatItWasGiven) {
  const ScratchFolder folder;
  const std::string path = folder / "turns";
  EXPECT_TRUE(reopened(path).empty());
  write_records(path, 20);
  EXPECT_EQ(reopened(path), records(20));
  EXPECT_EQ(reopened(path), records(20));
}

TEST(TurnFile, WhatIsTornOrChangedIsLeftOutWithAllBehindIt) {
  const ScratchFolder folder;
  const std::string path = folder / "turns";
  write_records(path, 6);
  const std::string whole = read_file(path).value();
  const auto expected = records(6);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    std::string changed = whole.substr(0, cut);
    if (cut % 2 == 0) {
      changed = whole;
      changed[cut] = static_cast<char>(changed[cut] ^ 0x10);
    }
    std::ofstream(path, std::ios::binary) << changed;
    const auto found = reopened(path);
    ASSERT_LT(found.size(), expected.size()) << cut;
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin())) << cut;
    // It goes on behind what is whole.
    {
      std::vector<TurnRecord> again;
      const auto file = TurnFile::open(path, "model", kRoom, again);
      (*file)->append(record(77));
    }
    const auto after = reopened(path);
    ASSERT_EQ(after.size(), found.size() + 1) << cut;
    EXPECT_EQ(after.back(), record(77));
  }
}

TEST(TurnFile, AnotherModelBeginsAnew) {
  const ScratchFolder folder;
  const std::string path = folder / "turns";
  write_records(path, 6);
  EXPECT_TRUE(reopened(path, "another").empty());
  EXPECT_TRUE(reopened(path, "model").empty());
}

TEST(TurnFile, TakesNoMoreThanTwiceItsRoom) {
  const ScratchFolder folder;
  const std::string path = folder / "turns";
  constexpr std::uint64_t kLittle = 4096;
  {
    std::vector<TurnRecord> found;
    const auto file = TurnFile::open(path, "model", kLittle, found);
    for (int i = 0; i < 1000; ++i) (*file)->append(record(i));
  }
  EXPECT_LE(std::filesystem::file_size(path), kLittle);
  EXPECT_LE(std::filesystem::file_size(path + ".before"), kLittle);
  const auto found = reopened(path, "model", kLittle);
  ASSERT_GT(found.size(), 50U);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], record(static_cast<int>(1000 - found.size() + i)));
  }
}

TEST(TurnFile, AFolderThatIsNotThereIsAnError) {
  const ScratchFolder folder;
  std::vector<TurnRecord> found;
  const auto file = TurnFile::open(folder / "none/turns", "model", kRoom, found);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("none/turns"), std::string::npos);
}

TEST(TurnFile, AKilledProcessLeavesABeginning) {
  const ScratchFolder folder;
  const std::string path = folder / "turns";
  std::size_t n_found = 0;
  for (int round = 0; round < 5; ++round) {
    std::filesystem::remove(path);
    const pid_t child = ::fork();
    if (child == 0) {
      std::vector<TurnRecord> found;
      const auto file = TurnFile::open(path, "model", kRoom, found);
      for (int i = 0; i < 10'000; ++i) (*file)->append(record(i));
      ::pause();
    }
    while (!std::filesystem::exists(path) || std::filesystem::file_size(path) < 10'000) {
      ::usleep(1000);
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::vector<TurnRecord> found = reopened(path);
    n_found += found.size();
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i], record(static_cast<int>(i)));
    }
  }
  EXPECT_GT(n_found, 0U);
}

TEST(TurnFile, AStoreKnowsItsAnswersAfterARestart) {
  const ScratchFolder folder;
  Message answer = new_assistant_message();
  answer.reasoning = "because";
  answer.tool_calls = {{"call_1", "f", R"({"a": 1})"}};
  const std::vector<std::int32_t> ids = {5, 6, 7};
  {
    TurnStore turns;
    ASSERT_TRUE(turns.keep_in(folder / "turns", "model"));
    turns.remember("key", answer, "<think>\n", ids);
  }
  TurnStore turns;
  ASSERT_TRUE(turns.keep_in(folder / "turns", "model"));
  answer.reasoning.reset();
  ASSERT_NE(turns.find("key", answer), nullptr);
  EXPECT_EQ(turns.find("key", answer)->ids, ids);
  EXPECT_EQ(turns.find("key", answer)->reasoning, "because");
  EXPECT_EQ(turns.find("other", answer), nullptr);
  turns.flush(10'000);
}

// A disk that hangs: a write beyond the limit of file sizes brings a signal to the thread that
// writes, whose handler waits.
std::atomic<bool> disk_hangs = false;
void hang(int /*signal*/) {
  while (disk_hangs) ::usleep(1000);
}

TEST(TurnFile, WaitsForADiskThatHangsNoLongerThanItIsTold) {
  const ScratchFolder folder;
  std::vector<TurnRecord> found;
  const auto file = TurnFile::open(folder / "turns", "model", 8 * kRoom, found);
  ASSERT_TRUE(file);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = kRoom;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  disk_hangs = true;
  const auto handler = ::signal(SIGXFSZ, hang);
  (*file)->append({.key = std::string(2 * kRoom, 'k')});
  std::jthread end([](const std::stop_token& stop) {
    for (int i = 0; i < 1000 && !stop.stop_requested(); ++i) ::usleep(10'000);
    disk_hangs = false;
  });
  (*file)->flush(50);
  EXPECT_TRUE(disk_hangs);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  end.request_stop();
  end.join();
  (*file)->flush(10'000);
  ::signal(SIGXFSZ, handler);
}

}  // namespace
}  // namespace jevons
