// What happens to files on disk, and what must never come of it: a page that is not, bit for bit,
// what was written under its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <iterator>
#include <thread>

#include "engine/page_file.h"
#include "engine/write_budget.h"
#include "tests/base/scratch_folder.h"
#include "tests/engine/store_pages.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytes = kStorePageBytes + kPageHeaderBytes;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  ASSERT_TRUE(file.flush());
}

class KvStoreFaults : public testing::Test {
 protected:
  static constexpr int kPages = 3;

  void SetUp() override {
    const auto store = open_store(options_);
    chain_ = make_chain(store->shared_root(), 1, kPages);
    write_pages(*store, chain_);
    flush(*store);
  }

  [[nodiscard]] fs::path file_of(std::size_t page) const {
    for (const fs::path& file : page_files(folder_.path())) {
      if (file.filename().string().starts_with(hex(chain_[page].hash))) return file;
    }
    ADD_FAILURE() << "page " << page << " has no file";
    return {};
  }

  /// `page`'s file was changed: whether the store is open meanwhile or started afterwards, that
  /// page is a miss with one line in the log, the ones before it are hits, and the file is gone.
  void expect_miss_at(std::size_t page, const std::string& why, KvStore* open_already = nullptr) {
    const fs::path file = file_of(page);
    const CapturedLog log;
    std::unique_ptr<KvStore> opened;
    if (open_already == nullptr) opened = open_store(options_);
    KvStore& store = open_already == nullptr ? *opened : *open_already;
    const std::uint64_t n_bad = open_already == nullptr ? 0 : store.status().n_pages_bad;
    EXPECT_EQ(read_pages(store, chain_), static_cast<int>(page));
    EXPECT_FALSE(store.contains(chain_[page].hash));
    EXPECT_EQ(store.status().n_pages_bad, n_bad + 1);
    EXPECT_FALSE(fs::exists(file));
    EXPECT_EQ(log.count("removed the cache page"), 1) << log.text();
    EXPECT_EQ(log.count(why), 1) << log.text();
    // It can be written anew.
    write_pages(store, {chain_[page]});
    flush(store);
    EXPECT_EQ(read_pages(store, chain_), kPages);
  }

  ScratchFolder folder_;
  KvStoreOptions options_ = store_options(folder_ / "kv");
  std::vector<StorePage> chain_;
};

TEST_F(KvStoreFaults, AFlippedBitAnywhereIsAMiss) {
  std::mt19937 random(1);
  for (std::size_t page = 0; page < kPages; ++page) {
    for (int round = 0; round < 60; ++round) {
      std::string bytes = contents(file_of(page));
      const std::size_t at = round < 30 ? random() % kPageHeaderBytes : random() % bytes.size();
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      put(file_of(page), bytes);
      SCOPED_TRACE(fmt::format("page {} byte {}", page, at));
      expect_miss_at(page, "");
    }
  }
}

TEST_F(KvStoreFaults, AnyOtherLengthIsAMiss) {
  std::mt19937 random(2);
  const auto store = open_store(options_);
  for (int round = 0; round < 60; ++round) {
    const std::size_t page = random() % kPages;
    const std::string bytes = contents(file_of(page));
    put(file_of(page), round % 5 == 0 ? bytes + "x" : bytes.substr(0, random() % bytes.size()));
    expect_miss_at(page, "bytes long, expected 1384", store.get());
  }
}

TEST_F(KvStoreFaults, AFileOfZeros) {
  // What a power cut leaves where the length reached the disk before the bytes did.
  put(file_of(1), std::string(kFileBytes, '\0'));
  expect_miss_at(1, "does not begin with");
}

TEST_F(KvStoreFaults, AWrongLengthIsSeenAtTheStart) {
  put(file_of(2), "");
  const fs::path file = file_of(2);
  const CapturedLog log;
  const auto store = open_store(options_);
  EXPECT_EQ(log.count("it is 0 bytes long, expected 1384"), 1) << log.text();
  EXPECT_EQ(store->status().n_pages_bad, 1u);
  EXPECT_EQ(store->status().n_pages, 2u);
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(KvStoreFaults, SwappedFilesAreMisses) {
  const std::string first = contents(file_of(0));
  put(file_of(0), contents(file_of(1)));
  put(file_of(1), first);
  const CapturedLog log;
  const auto store = open_store(options_);
  EXPECT_EQ(read_pages(*store, chain_), 0);
  EXPECT_EQ(read_pages(*store, {chain_[1]}), 0);
  EXPECT_EQ(log.count("belongs to other tokens"), 2) << log.text();
  EXPECT_EQ(read_pages(*store, {chain_[2]}), 1);
}

TEST_F(KvStoreFaults, AFileOfAnotherVersionIsAMiss) {
  std::string bytes = contents(file_of(0));
  bytes[8] = 2;
  put(file_of(0), bytes);
  expect_miss_at(0, "version 2, expected 1");
}

TEST_F(KvStoreFaults, AFileOfAnotherModelIsAMiss) {
  // Sound in itself, under the right name, with the right tokens.
  PageHeader header{kStorePageBytes, sha256({}), chain_[1].hash, chain_[1].parent, {}};
  std::copy(chain_[1].tokens.begin(), chain_[1].tokens.end(), header.tokens.begin());
  const KvPage page = chain_[1].content();
  const std::span payload(page->data(), kStorePageBytes);
  const PageHeaderBytes bytes = encode_page_header(header, payload);
  put(file_of(1), std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()) +
                      std::string(reinterpret_cast<const char*>(payload.data()), payload.size()));
  expect_miss_at(1, "belongs to another model or KV type");
}

TEST_F(KvStoreFaults, TokensAreComparedNotOnlyTheirHash) {
  const auto store = open_store(options_);
  std::vector<StorePage> chain = chain_;
  chain[1].tokens[0] += 1;
  EXPECT_EQ(read_pages(*store, chain), 1);
}

TEST_F(KvStoreFaults, ARemovedFileIsAMiss) {
  const auto store = open_store(options_);
  fs::remove(file_of(1));
  const CapturedLog log;
  EXPECT_EQ(read_pages(*store, chain_), 1);
  EXPECT_EQ(log.count("cannot read the cache page"), 1) << log.text();
  EXPECT_FALSE(store->contains(chain_[1].hash));
  EXPECT_EQ(read_pages(*store, chain_), 1);
}

TEST_F(KvStoreFaults, StrangeFilesAreLeftAlone) {
  const fs::path stranger = file_of(0).parent_path() / "notes.txt";
  put(stranger, "mine");
  options_.max_bytes = kFileBytes - 1;
  const auto store = open_store(options_);
  flush(*store);
  EXPECT_TRUE(page_files(folder_.path()).empty());
  EXPECT_EQ(contents(stranger), "mine");
}

// A disk that takes no more, as far as a test can have one: the process may write no larger files.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::uint64_t n_bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{n_bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(KvStoreFaults, AFailingDiskPausesWritingAndNothingElse) {
  options_.pause_after_error_ms = 0;
  const CapturedLog log;
  const auto store = open_store(options_);
  const auto more = make_chain(store->shared_root(), 2, 6);
  {
    const FileSizeLimit limit(700);
    write_pages(*store, more);
    flush(*store);
  }
  EXPECT_EQ(store->status().n_pages_written, 0u);
  EXPECT_EQ(store->status().n_pages_left_out, 6u);
  EXPECT_EQ(log.count("File too large; no cache pages are written"), 1) << log.text();
  EXPECT_EQ(page_files(folder_.path()).size(), static_cast<std::size_t>(kPages));
  EXPECT_EQ(read_pages(*store, more), 0);
  EXPECT_EQ(read_pages(*store, chain_), kPages);
  write_pages(*store, more);
  flush(*store);
  EXPECT_EQ(log.count("writing cache pages again"), 1) << log.text();
  EXPECT_EQ(read_pages(*store, more), 6);
}

TEST_F(KvStoreFaults, DuringThePauseNothingIsTaken) {
  options_.pause_after_error_ms = 3'600'000;
  const auto store = open_store(options_);
  const auto more = make_chain(store->shared_root(), 2, 6);
  {
    const FileSizeLimit limit(700);
    write_pages(*store, {more[0]});
    flush(*store);
  }
  EXPECT_FALSE(store->has_room());
  write_pages(*store, more);
  flush(*store);
  EXPECT_EQ(store->status().n_pages_written, 0u);
  EXPECT_EQ(store->status().n_pages_left_out, 7u);
}

/// 0: all went well; 77: this system lets nobody mount anything.
int fill_a_small_disk(const std::string& folder) {
  const std::string user = fmt::format("0 {} 1", ::getuid());
  const std::string group = fmt::format("0 {} 1", ::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return 77;
  put("/proc/self/setgroups", "deny");
  put("/proc/self/uid_map", user);
  put("/proc/self/gid_map", group);
  fs::create_directories(folder);
  if (::mount("none", folder.c_str(), "tmpfs", 0, "size=64k") != 0) return 77;
  KvStoreOptions options = store_options(folder);
  options.pause_after_error_ms = 0;
  const auto store = open_store(options);
  const auto chain = make_chain(store->shared_root(), 3, 100);
  write_pages(*store, chain);
  flush(*store);
  const int n_there = read_pages(*store, chain);
  const EngineStatus::Disk disk = store->status();
  if (n_there == 0 || n_there == 100 || disk.n_pages_left_out == 0) return 1;
  if (disk.n_pages_written + disk.n_pages_left_out != 100) return 2;
  // Room again: it goes on.
  for (const fs::path& file : page_files(folder)) fs::remove(file);
  const auto more = make_chain(store->shared_root(), 4, 2);
  write_pages(*store, more);
  flush(*store);
  return read_pages(*store, more) == 2 && !testing::Test::HasFailure() ? 0 : 3;
}

TEST_F(KvStoreFaults, AFullDisk) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const CapturedLog log;
    ::_exit(fill_a_small_disk(folder_ / "small"));
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no file system can be mounted here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// Writes chains for ever, from several threads, some of them known already.
[[noreturn]] void write_until_killed(const KvStoreOptions& options, int first_chain) {
  const auto store = open_store(options);
  for (int chain = first_chain;; ++chain) {
    write_pages(*store, make_chain(store->shared_root(), chain % 200, 5, options.page_bytes));
    std::this_thread::yield();
  }
}

TEST(KvStoreKilled, FiftyTimesWhileWritingEveryPageThatReadsIsRight) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  options.page_bytes = 20'000;
  options.max_bytes = 300 * (options.page_bytes + kPageHeaderBytes);
  const std::int64_t first_day = utc_day_now();
  std::mt19937 random(7);
  std::uint64_t n_pages = 0;
  for (int round = 0; round < 50; ++round) {
    SCOPED_TRACE(round);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) write_until_killed(options, static_cast<int>(random() % 200));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 40'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    random.discard(1);

    const CapturedLog log;
    const auto store = open_store(options);
    EXPECT_LE(store->status().bytes, options.max_bytes + options.page_bytes + kPageHeaderBytes);
    for (int chain = 0; chain < 200; ++chain) {
      const auto pages = make_chain(store->shared_root(), chain, 5, options.page_bytes);
      n_pages += static_cast<std::uint64_t>(read_pages(*store, pages));
    }
    EXPECT_EQ(store->status().n_pages_bad, 0u) << log.text();
    // Every page that is there was counted first (unless the day has changed meanwhile).
    if (utc_day_now() == first_day) {
      EXPECT_GE(store->status().written_today_bytes, store->status().bytes);
    }
  }
  EXPECT_GT(n_pages, 100u);
}

}  // namespace
}  // namespace jevons
