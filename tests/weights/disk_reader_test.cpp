#include "weights/disk_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "disk_reads.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using enum ReadUrgency;
using ::testing::ElementsAre;

constexpr std::size_t kFileBytes = (3u << 20) + 1234;

TEST(DirectBytes, CoverTheBytesThatAreAskedFor) {
  EXPECT_EQ(direct_bytes(0, 1), 4096u);
  EXPECT_EQ(direct_bytes(4095, 1), 4096u);
  EXPECT_EQ(direct_bytes(4095, 2), 8192u);
  EXPECT_EQ(direct_bytes(4096, 4096), 4096u);
  EXPECT_EQ(direct_bytes(4097, 4096), 8192u);
  EXPECT_EQ(direct_slack(4096), 0u);
  EXPECT_EQ(direct_slack(4095), 4095u);
  EXPECT_EQ(direct_bytes((std::uint64_t{1} << 40) + 5, 10), 4096u);
}

std::vector<TestRead> random_reads(std::size_t n, std::size_t file_bytes, unsigned seed,
                                   std::uint64_t first_tag = 0, int n_files = 1) {
  std::mt19937 random(seed);
  std::vector<TestRead> reads;
  for (std::size_t i = 0; i < n; ++i) {
    // Of all sizes, from a byte to half the file.
    const std::size_t n_bytes =
        1 + random() % std::min<std::size_t>(file_bytes / 2, std::size_t{2} << random() % 21);
    reads.emplace_back(first_tag + i, static_cast<int>(random() % n_files),
                       random() % (file_bytes - n_bytes + 1), n_bytes);
  }
  return reads;
}

using DiskReaderRead = DiskReaderTest;
INSTANTIATE_TEST_SUITE_P(All, DiskReaderRead, all_read_methods(), read_method_name);

TEST_P(DiskReaderRead, ReadsWhatIsInTheFiles) {
  const ScratchFolder folder;
  const std::string contents[] = {write_random_file(folder / "a", kFileBytes, 1),
                                  write_random_file(folder / "b", kFileBytes, 2)};
  ReadLog log;
  const auto reader = open({folder / "a", folder / "b"}, 8, log.done());
  const auto reads = random_reads(200, kFileBytes, 3, 0, 2);
  std::size_t n_bytes = 0;
  for (const TestRead& read : reads) {
    reader->submit(read.read(), static_cast<ReadUrgency>(read.read().tag % kReadUrgencies));
    n_bytes += read.read().n_bytes;
  }
  log.wait_for(reads.size());
  for (const TestRead& read : reads) {
    ASSERT_EQ(log.error_of(read.read().tag), "");
    const std::string& content = contents[read.read().file];
    ASSERT_TRUE(read.bytes() == content.substr(read.read().offset, read.read().n_bytes))
        << read.read().n_bytes << " bytes at " << read.read().offset;
  }
  const DiskReaderCounts counts = reader->counts();
  EXPECT_EQ(counts.n_reads, reads.size());
  EXPECT_EQ(counts.n_failed, 0u);
  EXPECT_EQ(counts.n_bytes, n_bytes);
  EXPECT_GE(counts.direct_bytes, n_bytes);
  EXPECT_GT(counts.busy_seconds, 0);
  EXPECT_EQ(reader->counts().busy_seconds, counts.busy_seconds) << "though nothing is under way";
  EXPECT_TRUE(GetParam().bypass_cache || !reader->is_direct());
  EXPECT_STREQ(reader->method(),
               GetParam().method == DiskReaderOptions::Method::kThreads ? "threads" : "io_uring");
}

TEST_P(DiskReaderRead, ReadsTheEndsOfFilesOfAnySize) {
  const ScratchFolder folder;
  for (const std::size_t n_bytes : {1u, 511u, 512u, 4095u, 4096u, 4097u, 8192u, 12'345u}) {
    const std::string content = write_random_file(folder / "odd", n_bytes, 5);
    ReadLog log;
    const auto reader = open({folder / "odd"}, 2, log.done());
    const TestRead whole(1, 0, 0, n_bytes);
    const TestRead last(2, 0, n_bytes - 1, 1);
    reader->submit(whole.read(), kNeeded);
    reader->submit(last.read(), kNeeded);
    log.wait_for(2);
    EXPECT_EQ(log.error_of(1), "");
    EXPECT_EQ(log.error_of(2), "");
    EXPECT_TRUE(whole.bytes() == content) << n_bytes;
    EXPECT_EQ(last.bytes(), content.substr(n_bytes - 1)) << n_bytes;
  }
}

// A reader that reads one piece at a time and is held up after the first, with all others waiting.
struct HeldReader {
  Gate gate;
  ReadLog log;
  std::vector<TestRead> reads;

  [[nodiscard]] DiskReader::Done done() {
    return [this, log_it = log.done()](std::uint64_t tag, const Result<void>& result) {
      log_it(tag, result);
      if (tag == 0) gate.pass();
    };
  }
  void hold(DiskReader& reader, std::size_t n_reads) {
    for (std::size_t tag = 0; tag < n_reads; ++tag) reads.emplace_back(tag, 0, 100 * tag, 1000);
    reader.submit(reads[0].read(), kNeeded);
    gate.wait_until_reached();
  }
};

TEST_P(DiskReaderRead, TheMostUrgentGoFirst) {
  const ScratchFolder folder;
  write_random_file(folder / "f", kFileBytes, 1);
  HeldReader held;
  const auto reader = open({folder / "f"}, 1, held.done());
  held.hold(*reader, 9);
  const ReadUrgency urgencies[] = {kNeeded, kFill, kGuess, kAhead, kNeeded, kFill, kGuess, kAhead};
  for (std::size_t i = 1; i < 8; ++i) reader->submit(held.reads[i].read(), urgencies[i]);
  reader->reprioritise(5, kNeeded);
  reader->reprioritise(0, kFill);
  reader->reprioritise(77, kFill);
  EXPECT_TRUE(reader->cancel(6));
  EXPECT_FALSE(reader->cancel(6));
  EXPECT_FALSE(reader->cancel(0)) << "which has ended";
  held.gate.open();
  held.log.wait_for(7);
  // Those that were cancelled may use their tags and buffers again.
  reader->submit(held.reads[6].read(), kGuess);
  held.log.wait_for(8);
  EXPECT_FALSE(reader->cancel(6));
  EXPECT_THAT(held.log.order(), ElementsAre(0, 4, 5, 3, 7, 2, 1, 6));
  EXPECT_EQ(reader->counts().n_reads, 8u);
}

TEST_P(DiskReaderRead, ACancelledGuessLetsTheFillsBegin) {
  const ScratchFolder folder;
  write_random_file(folder / "f", kFileBytes, 1);
  HeldReader held;
  const auto reader = open({folder / "f"}, 1, held.done());
  held.hold(*reader, 3);
  reader->submit(held.reads[1].read(), kGuess);
  reader->submit(held.reads[2].read(), kFill);
  EXPECT_TRUE(reader->cancel(1));
  held.gate.open();
  held.log.wait_for(2);
  EXPECT_THAT(held.log.order(), ElementsAre(0, 2));
}

TEST_P(DiskReaderRead, CompletionsMaySubmit) {
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  ReadLog log;
  std::atomic<DiskReader*> reader_of_done{nullptr};
  std::vector<TestRead> reads = random_reads(50, kFileBytes, 8);
  const auto log_it = log.done();
  const auto reader = open({folder / "f"}, 3, [&](std::uint64_t tag, const Result<void>& result) {
    if (tag + 1 < reads.size()) {
      reader_of_done.load()->submit(reads[tag + 1].read(), kNeeded);
    }
    log_it(tag, result);
  });
  reader_of_done = reader.get();
  reader->submit(reads[0].read(), kNeeded);
  log.wait_for(reads.size());
  for (const TestRead& read : reads) {
    EXPECT_TRUE(read.bytes() == content.substr(read.read().offset, read.read().n_bytes));
  }
}

TEST_P(DiskReaderRead, ManyThreadsMayCallIt) {
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  constexpr std::size_t kReadsEach = 50;
  ReadLog log;
  const auto reader = open({folder / "f"}, 4, log.done());
  std::array<std::vector<TestRead>, 4> reads;
  for (unsigned t = 0; t < 4; ++t) {
    reads[t] = random_reads(kReadsEach, kFileBytes, t, t * kReadsEach);
  }
  std::atomic<std::size_t> n_cancelled = 0;
  std::array<std::thread, 4> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads[t] = std::thread([&, t] {
      std::mt19937 random(t);
      for (const TestRead& read : reads[t]) {
        reader->submit(read.read(), static_cast<ReadUrgency>(random() % kReadUrgencies));
        const std::uint64_t other = random() % (4 * kReadsEach);
        reader->reprioritise(other, static_cast<ReadUrgency>(random() % kReadUrgencies));
        if (random() % 4 == 0) n_cancelled += reader->cancel(other) ? 1 : 0;
        EXPECT_LE(reader->counts().n_reads, 4 * kReadsEach);
        EXPECT_TRUE(reader->check_unchanged());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  log.wait_for(4 * kReadsEach - n_cancelled);
  std::size_t n_read = 0;
  for (const auto& reads_of_one : reads) {
    for (const TestRead& read : reads_of_one) {
      if (log.error_of(read.read().tag) == "no completion") continue;
      EXPECT_EQ(log.error_of(read.read().tag), "");
      EXPECT_TRUE(read.bytes() == content.substr(read.read().offset, read.read().n_bytes));
      ++n_read;
    }
  }
  EXPECT_EQ(n_read, 4 * kReadsEach - n_cancelled);
}

TEST_P(DiskReaderRead, ItsEndDropsWhatWaits) {
  const ScratchFolder folder;
  write_random_file(folder / "f", kFileBytes, 1);
  constexpr std::uint64_t kLast = 999;
  ReadLog log;
  std::vector<TestRead> reads;
  for (std::uint64_t tag = 0; tag <= kLast; ++tag) reads.emplace_back(tag, 0, 1000 * tag, 1000);
  Gate gate;
  std::atomic<DiskReader*> reader_of_done{nullptr};
  auto reader = open({folder / "f"}, 1,
                     [&, log_it = log.done()](std::uint64_t tag, const Result<void>& result) {
                       log_it(tag, result);
                       gate.pass();
                       // Until the reader takes no more.
                       DiskReader& its_reader = *reader_of_done;
                       while (its_reader.cancel(kLast))
                         its_reader.submit(reads[kLast].read(), kFill);
                     });
  reader_of_done = reader.get();
  reader->submit(reads[0].read(), kNeeded);
  gate.wait_until_reached();
  for (std::uint64_t tag = 1; tag <= kLast; ++tag) reader->submit(reads[tag].read(), kFill);
  gate.open();
  reader.reset();
  EXPECT_THAT(log.order(), ElementsAre(0));
}

TEST_P(DiskReaderRead, ItsEndWaitsForWhatIsUnderWay) {
  const ScratchFolder folder;
  const std::string content = write_random_file(folder / "f", kFileBytes, 1);
  for (unsigned seed = 0; seed < 10; ++seed) {
    ReadLog log;
    const auto reads = random_reads(100, kFileBytes, seed);
    auto reader = open({folder / "f"}, 8, log.done());
    for (const TestRead& read : reads) reader->submit(read.read(), kNeeded);
    log.wait_for(seed);
    reader.reset();
    EXPECT_GE(log.order().size(), seed);
    for (const std::uint64_t tag : log.order()) {
      EXPECT_EQ(log.error_of(tag), "");
      const DiskRead& read = reads[tag].read();
      EXPECT_TRUE(reads[tag].bytes() == content.substr(read.offset, read.n_bytes));
    }
  }
}

}  // namespace
}  // namespace jevons
