#include "engine/kv_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <mutex>

#include "base/atomic_file.h"
#include "engine/page_file.h"
#include "engine/write_budget.h"
#include "tests/base/scratch_folder.h"
#include "tests/engine/store_pages.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFileBytes = kStorePageBytes + kPageHeaderBytes;

TEST(KvStore, GivesBackWhatWasWrittenAlsoAfterARestart) {
  const ScratchFolder folder;
  std::vector<StorePage> chain;
  {
    const auto store = open_store(store_options(folder / "kv"));
    chain = make_chain(store->shared_root(), 1, 20);
    EXPECT_FALSE(store->contains(chain[0].hash));
    write_pages(*store, chain);
    flush(*store);
    EXPECT_TRUE(store->contains(chain[19].hash));
    EXPECT_EQ(read_pages(*store, chain), 20);
    EXPECT_EQ(store->status().n_pages_written, 20u);
  }
  const auto store = open_store(store_options(folder / "kv"));
  EXPECT_EQ(store->status().n_pages, 20u);
  EXPECT_EQ(store->status().bytes, 20 * kFileBytes);
  EXPECT_EQ(read_pages(*store, chain), 20);
  EXPECT_EQ(store->status().n_pages_read, 20u);
  EXPECT_EQ(store->status().n_pages_bad, 0u);
}

TEST(KvStore, LargePagesTooAreReadBack) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  options.page_bytes = (3u << 20) + 64;
  const auto store = open_store(options);
  const auto chain = make_chain(store->shared_root(), 1, 3, options.page_bytes);
  write_pages(*store, chain);
  flush(*store);
  EXPECT_EQ(read_pages(*store, chain), 3);
}

TEST(KvStore, ReadsStopAtTheFirstPageThatIsNotThere) {
  const ScratchFolder folder;
  const auto store = open_store(store_options(folder / "kv"));
  auto chain = make_chain(store->shared_root(), 1, 5);
  const StorePage missing = chain[2];
  chain.erase(chain.begin() + 2);
  write_pages(*store, chain);
  flush(*store);
  chain.insert(chain.begin() + 2, missing);
  EXPECT_EQ(read_pages(*store, chain), 2);
  EXPECT_EQ(read_pages(*store, {chain.begin() + 3, chain.end()}), 2);
  EXPECT_EQ(read_pages(*store, {}), 0);
}

TEST(KvStore, OneProcessAtATimeHoldsAFolder) {
  const ScratchFolder folder;
  auto store = open_store(store_options(folder / "kv"));
  const auto second = KvStore::open(store_options(folder / "kv"));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message,
              testing::HasSubstr(fmt::format("is in use by another process ({})", ::getpid())));
  EXPECT_THAT(second.error().message, testing::HasSubstr(folder / "kv"));
  // Another model is another folder.
  KvStoreOptions other = store_options(folder / "kv");
  other.fingerprint = "model f16";
  EXPECT_TRUE(KvStore::open(other));
  store.reset();
  EXPECT_TRUE(KvStore::open(store_options(folder / "kv")));
}

TEST(KvStore, AFolderThatCannotBeMadeIsAnError) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file_atomically(folder / "kv", "a file"));
  const auto store = KvStore::open(store_options(folder / "kv"));
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, testing::HasSubstr(folder / "kv"));
}

TEST(KvStore, PagesAreTheirOwnersAlone) {
  const ScratchFolder folder;
  const auto store = open_store(store_options(folder / "kv"));
  write_pages(*store, make_chain(store->shared_root(), 1, 1));
  flush(*store);
  const fs::path file = page_files(folder.path()).at(0);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(file.parent_path().parent_path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST(KvStore, WhatAnInterruptedWriteLeftIsRemoved) {
  const ScratchFolder folder;
  open_store(store_options(folder / "kv"));
  std::string left;
  for (const auto& entry : fs::directory_iterator(folder / "kv")) {
    if (entry.is_directory()) left = entry.path() / "page.partial";
  }
  ASSERT_TRUE(write_file_atomically(left, "half a page"));
  open_store(store_options(folder / "kv"));
  EXPECT_FALSE(fs::exists(left));
}

TEST(KvStore, TheSizeLimitHoldsAndTheOldestLeavesGo) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  options.max_bytes = 10 * kFileBytes + kFileBytes / 2;
  std::vector<StorePage> used;
  std::vector<StorePage> unused;
  {
    const auto store = open_store(options);
    used = make_chain(store->shared_root(), 1, 4);
    unused = make_chain(store->shared_root(), 2, 4);
    write_pages(*store, used);
    write_pages(*store, unused);
    flush(*store);
    for (int i = 3; i < 12; ++i) {
      EXPECT_EQ(read_pages(*store, used), 4);
      write_pages(*store, make_chain(store->shared_root(), i, 1));
      flush(*store);
      EXPECT_LE(store->status().bytes, options.max_bytes);
      EXPECT_EQ(page_files(folder.path()).size(), store->status().n_pages);
    }
    EXPECT_EQ(store->status().n_pages, 10u);
    EXPECT_EQ(read_pages(*store, used), 4);
    EXPECT_EQ(read_pages(*store, unused), 0);
  }
  options.max_bytes = 3 * kFileBytes;
  const auto store = open_store(options);
  flush(*store);
  EXPECT_EQ(page_files(folder.path()).size(), 3u);
  options.max_bytes = kFileBytes - 1;
  write_pages(*store, make_chain(store->shared_root(), 50, 1));
  flush(*store);
  EXPECT_EQ(page_files(folder.path()).size(), 3u);
}

TEST(KvStore, AfterARestartTheOrderOfUseIsKnownFromFileTimes) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  std::vector<std::vector<StorePage>> chains;
  {
    const auto store = open_store(options);
    for (int i = 0; i < 4; ++i) chains.push_back(make_chain(store->shared_root(), i, 2));
    for (const auto& chain : chains) write_pages(*store, chain);
    flush(*store);
  }
  // Chain 2 was used longest ago, then 0; the files' times are days back.
  const auto age = [&](std::size_t chain, int n_days) {
    for (const StorePage& page : chains[chain]) {
      for (const fs::path& file : page_files(folder.path())) {
        if (file.filename().string().starts_with(hex(page.hash))) {
          fs::last_write_time(file, fs::file_time_type::clock::now() - std::chrono::days(n_days));
        }
      }
    }
  };
  age(2, 9);
  age(0, 7);
  age(1, 5);
  age(3, 3);
  options.max_bytes = 6 * kFileBytes;
  {
    const auto store = open_store(options);
    flush(*store);
    EXPECT_EQ(read_pages(*store, chains[2]), 0);
    EXPECT_EQ(read_pages(*store, chains[0]), 2);  // and so its files are touched
  }
  options.max_bytes = 4 * kFileBytes;
  {
    const auto store = open_store(options);
    flush(*store);
    EXPECT_EQ(read_pages(*store, chains[1]), 0);
  }
  options.max_bytes = 2 * kFileBytes;
  const auto store = open_store(options);
  flush(*store);
  EXPECT_EQ(read_pages(*store, chains[3]), 0);
  EXPECT_EQ(read_pages(*store, chains[0]), 2);
}

TEST(KvStore, OtherModelsPagesCountAndGoFirst) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  {
    const auto store = open_store(options);
    write_pages(*store, make_chain(store->shared_root(), 1, 6));
    flush(*store);
  }
  options.fingerprint = "another model";
  options.max_bytes = 8 * kFileBytes;
  const auto store = open_store(options);
  EXPECT_EQ(store->status().bytes, 6 * kFileBytes);
  const auto chain = make_chain(store->shared_root(), 1, 3);
  write_pages(*store, chain);
  flush(*store);
  EXPECT_EQ(store->status().bytes, 3 * kFileBytes);
  EXPECT_EQ(page_files(folder.path()).size(), 3u);
  EXPECT_EQ(read_pages(*store, chain), 3);
}

TEST(KvStore, OtherModelsPagesThatAreInUseStay) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  const auto used = open_store(options);
  const auto chain = make_chain(used->shared_root(), 1, 6);
  write_pages(*used, chain);
  flush(*used);
  options.fingerprint = "another model";
  options.max_bytes = 3 * kFileBytes;
  const auto store = open_store(options);
  write_pages(*store, make_chain(store->shared_root(), 1, 3));
  flush(*store);
  EXPECT_EQ(store->status().n_pages, 3u);
  EXPECT_EQ(read_pages(*used, chain), 6);
}

TEST(KvStore, TheDailyLimitCountsOverRestarts) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  options.daily_write_bytes = 5 * kFileBytes;
  std::uint64_t n_written = 0;
  for (int start = 0; start < 4; ++start) {
    const auto store = open_store(options);
    EXPECT_EQ(store->has_room(), n_written < 5);
    write_pages(*store, make_chain(store->shared_root(), start, 2));
    flush(*store);
    n_written += store->status().n_pages_written;
    EXPECT_EQ(store->status().written_today_bytes, n_written * kFileBytes);
  }
  EXPECT_EQ(n_written, 5u);
  // What was written yesterday is no matter.
  ASSERT_TRUE(write_file_atomically(folder / "kv/written-today",
                                    budget_record(utc_day_now() - 1, 5 * kFileBytes)));
  const auto store = open_store(options);
  EXPECT_TRUE(store->has_room());
  EXPECT_EQ(store->status().written_today_bytes, 0u);
}

TEST(KvStore, ADamagedCountGoesOnFromTheFilesOfToday) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  {
    const auto store = open_store(options);
    write_pages(*store, make_chain(store->shared_root(), 1, 3));
    flush(*store);
  }
  ASSERT_TRUE(write_file_atomically(folder / "kv/written-today", "nonsense"));
  const auto store = open_store(options);
  EXPECT_EQ(store->status().written_today_bytes, 3 * kFileBytes);
}

TEST(KvStore, AFullQueueLeavesPagesOutAndHoldsNoMoreOfThem) {
  const ScratchFolder folder;
  KvStoreOptions options = store_options(folder / "kv");
  options.queue_bytes = 0;  // the least: 16 pages
  const auto store = open_store(options);
  const auto chain = make_chain(store->shared_root(), 1, 40);
  std::vector<KvPage> pages;
  for (const StorePage& page : chain) pages.push_back(page.content());
  // The store's thread is busy with this until it may go on.
  std::mutex busy;
  busy.lock();
  std::promise<void> begun;
  store->read({}, [&](int) {
    begun.set_value();
    const std::scoped_lock wait(busy);
  });
  begun.get_future().wait();
  for (std::size_t i = 0; i < chain.size(); ++i) {
    EXPECT_EQ(store->has_room(), i < 16);
    store->write(chain[i].hash, chain[i].parent, chain[i].tokens, pages[i]);
    store->write(chain[i].hash, chain[i].parent, chain[i].tokens, pages[i]);  // nothing more
    EXPECT_EQ(pages[i].use_count(), i < 16 ? 2 : 1);
    EXPECT_EQ(store->mark_used(chain[i].hash), i < 16);
  }
  busy.unlock();
  flush(*store);
  for (const KvPage& page : pages) EXPECT_EQ(page.use_count(), 1);
  EXPECT_EQ(store->status().n_pages_written, 16u);
  EXPECT_EQ(store->status().n_pages_left_out, 48u);
  EXPECT_EQ(read_pages(*store, chain), 16);
}

TEST(KvStore, ReadsGoBeforeWrites) {
  const ScratchFolder folder;
  const auto store = open_store(store_options(folder / "kv"));
  const auto there = make_chain(store->shared_root(), 1, 1);
  write_pages(*store, there);
  flush(*store);
  std::mutex busy;
  busy.lock();
  std::promise<void> begun;
  store->read({}, [&](int) {
    begun.set_value();
    const std::scoped_lock wait(busy);
  });
  begun.get_future().wait();
  write_pages(*store, make_chain(store->shared_root(), 2, 30));
  std::promise<std::uint64_t> n_written;
  auto buffer = std::make_shared<AlignedBuffer>(kStorePageBytes);
  store->read({{there[0].hash, there[0].parent, there[0].tokens, buffer}},
              [&](int) { n_written.set_value(store->status().n_pages_written); });
  busy.unlock();
  EXPECT_EQ(n_written.get_future().get(), 1u);
}

TEST(KvStore, EndingAnswersEveryRead) {
  const ScratchFolder folder;
  auto store = open_store(store_options(folder / "kv"));
  std::promise<void> begun;
  std::promise<void> may_go_on;
  std::atomic<int> n_answers{0};
  store->read({}, [&, wait = may_go_on.get_future().share()](int) {
    begun.set_value();
    wait.wait();
  });
  begun.get_future().wait();
  for (int i = 0; i < 5; ++i) store->read({}, [&](int) { ++n_answers; });
  may_go_on.set_value();
  store.reset();
  EXPECT_EQ(n_answers, 5);
}

}  // namespace
}  // namespace jevons
