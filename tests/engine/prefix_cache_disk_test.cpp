// The prefix cache with pages on disk: what memory has lost or never had comes back whole and
// right.
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "engine/page_tree.h"
#include "tests/base/scratch_folder.h"
#include "tests/engine/naive_prefix_cache.h"
#include "tests/engine/store_pages.h"
#include "tests/engine/token_pages.h"

namespace jevons {
namespace {

constexpr std::size_t kTokenPageBytes = kPageTokens * sizeof(std::int32_t);

std::unique_ptr<KvStore> open_token_store(const ScratchFolder& folder) {
  KvStoreOptions options = store_options(folder / "kv");
  options.page_bytes = kTokenPageBytes;
  options.queue_bytes = 0;  // so that pages have to wait
  return open_store(options);
}

void write_all(PrefixCache& cache, KvStore& store) {
  while (cache.write_behind() > 0) flush(store);
  flush(store);
}

/// What a request does: match, load, insert what came. Returns tokens found in whole pages.
int find_with_disk(PrefixCache& cache, const PrefixScope& scope, const Tokens& prompt) {
  PrefixMatch match = cache.match(scope, prompt);
  expect_right_pages(match, prompt);
  if (match.n_disk_tokens == 0) return match.n_tokens / 64 * 64;
  EXPECT_FALSE(match.broke_at);
  EXPECT_GT(match.pages.size() * 64 + static_cast<std::size_t>(match.n_disk_tokens),
            static_cast<std::size_t>(match.n_tokens));
  std::vector<KvPage> loaded;
  for (int n = match.n_disk_tokens / 64; n > 0; --n) {
    loaded.push_back(std::make_shared<AlignedBuffer>(kTokenPageBytes));
  }
  const int first_page = static_cast<int>(match.pages.size());
  std::promise<int> done;
  auto n_good = done.get_future();
  cache.load(scope, prompt, first_page, loaded, [&done](int n) { done.set_value(n); });
  loaded.resize(static_cast<std::size_t>(n_good.get()));
  std::vector<KvPage> pages = match.pages;
  pages.insert(pages.end(), loaded.begin(), loaded.end());
  const Tokens found(prompt.begin(), prompt.begin() + static_cast<long>(pages.size()) * 64);
  if (!found.empty()) cache.insert(scope, found, pages, false);
  cache.check_integrity();
  const PrefixMatch again = cache.match(scope, prompt);
  EXPECT_GE(again.n_tokens, static_cast<int>(found.size()));
  expect_right_pages(again, prompt);
  return static_cast<int>(found.size());
}

TEST(PrefixCacheOnDisk, AfterARestartNothingWholeIsComputedTwice) {
  const ScratchFolder folder;
  const Tokens prompt = counting(64 * 50 + 10);
  {
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    cache.insert({}, prompt, make_pages(prompt), true);
    EXPECT_GT(cache.write_behind(), 0);  // the queue takes 16 at a time
    write_all(cache, *store);
    EXPECT_EQ(store->status().n_pages_written, 50u);
    EXPECT_EQ(store->status().n_pages_left_out, 0u);
    cache.check_integrity();
    EXPECT_EQ(cache.match({}, prompt).n_disk_tokens, 0);  // memory has it all
  }
  const auto store = open_token_store(folder);
  PrefixCache cache(store.get());
  EXPECT_EQ(cache.count({}, prompt), 0);
  const PrefixMatch match = cache.match({}, prompt);
  EXPECT_EQ(match.n_tokens, 0);
  EXPECT_EQ(match.n_disk_tokens, 64 * 50);
  EXPECT_EQ(cache.match({}, counting(64 * 3)).n_disk_tokens, 64 * 2);  // never the last token
  EXPECT_EQ(find_with_disk(cache, {}, prompt), 64 * 50);
  EXPECT_EQ(cache.n_pages(), 50);
  // In memory again, they are not written again.
  cache.insert({}, prompt, make_pages(prompt), true);
  write_all(cache, *store);
  EXPECT_EQ(store->status().n_pages_written, 0u);
}

TEST(PrefixCacheOnDisk, TheEndThatMemoryHasLostComesFromDisk) {
  const ScratchFolder folder;
  const auto store = open_token_store(folder);
  PrefixCache cache(store.get());
  const Tokens prompt = counting(64 * 10);
  cache.insert({}, prompt, make_pages(prompt), true);
  write_all(cache, *store);
  EXPECT_EQ(cache.evict(6), 6);
  const PrefixMatch match = cache.match({}, joined(prompt, {-1}));
  EXPECT_EQ(match.n_tokens, 64 * 4);
  EXPECT_EQ(match.n_disk_tokens, 64 * 6);
  EXPECT_EQ(find_with_disk(cache, {}, joined(prompt, {-1})), 64 * 10);
}

TEST(PrefixCacheOnDisk, PagesThatWaitAndAreEvictedAreNotWritten) {
  const ScratchFolder folder;
  const auto store = open_token_store(folder);
  PrefixCache cache(store.get());
  std::promise<void> go_on;
  std::promise<void> begun;
  store->read({}, [&begun, wait = go_on.get_future().share()](int) {
    begun.set_value();
    wait.wait();
  });
  begun.get_future().wait();
  const Tokens prompt = counting(64 * 30);
  cache.insert({}, prompt, make_pages(prompt), true);
  EXPECT_EQ(cache.write_behind(), 14);
  EXPECT_EQ(cache.n_evictable_pages(), 14);  // the queue holds the others
  EXPECT_EQ(cache.evict(10), 10);
  EXPECT_EQ(cache.write_behind(), 4);
  cache.check_integrity();
  go_on.set_value();
  write_all(cache, *store);
  EXPECT_EQ(store->status().n_pages_written, 20u);
  EXPECT_EQ(cache.n_evictable_pages(), 20);
}

TEST(PrefixCacheOnDisk, ScopesAreApartOnDiskToo) {
  const ScratchFolder folder;
  const Tokens prompt = counting(64 * 6);
  {
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    cache.insert({"alice", 130}, prompt, make_pages(prompt), true);
    write_all(cache, *store);
  }
  const auto store = open_token_store(folder);
  const Tokens longer = joined(prompt, {-1});
  const auto on_disk = [&](const PrefixScope& scope) {
    PrefixCache cache(store.get());
    return find_with_disk(cache, scope, longer);
  };
  EXPECT_EQ(on_disk({"alice", 130}), 64 * 6);
  EXPECT_EQ(on_disk({"bob", 130}), 64 * 2);
  EXPECT_EQ(on_disk({"bob", 100}), 64);
  EXPECT_EQ(on_disk({"bob", 0}), 0);
  EXPECT_EQ(on_disk({"", 0}), 0);
}

TEST(PrefixCacheOnDisk, WhatAScopeComputedAloneItFindsAlsoWhenItShares) {
  const ScratchFolder folder;
  const Tokens prompt = counting(64 * 6);
  {
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    cache.insert({"alice", 0}, prompt, make_pages(prompt), true);
    write_all(cache, *store);
  }
  const auto store = open_token_store(folder);
  PrefixCache cache(store.get());
  EXPECT_EQ(find_with_disk(cache, {"alice", 200}, joined(prompt, {-1})), 64 * 6);
}

TEST(PrefixCacheOnDisk, ADamagedPageEndsTheWayAndIsWrittenAgain) {
  const ScratchFolder folder;
  const Tokens prompt = counting(64 * 6 + 1);
  const Tokens whole(prompt.begin(), prompt.end() - 1);
  {
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    cache.insert({}, whole, make_pages(whole), true);
    write_all(cache, *store);
  }
  for (int round = 0; round < 2; ++round) {
    const CapturedLog log;
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    if (round == 0) {
      const PageHash first =
          next_page_hash(enter_scope_hash(store->shared_root(), ""), page_tokens(whole, 0));
      const PageHash second = next_page_hash(first, page_tokens(whole, 1));
      for (const auto& file : page_files(folder.path())) {
        if (!file.filename().string().starts_with(hex(second))) continue;
        std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
        bytes.seekp(400);
        bytes.put('!');
      }
    }
    EXPECT_EQ(find_with_disk(cache, {}, prompt), round == 0 ? 64 : 64 * 6);
    EXPECT_EQ(log.count("its checksum is wrong"), round == 0 ? 1 : 0) << log.text();
    cache.insert({}, whole, make_pages(whole), true);
    write_all(cache, *store);
    EXPECT_EQ(store->status().n_pages_written, round == 0 ? 1u : 0u);
  }
}

TEST(PrefixCacheOnDisk, WhatIsForgottenIsGoneFromDiskToo) {
  const ScratchFolder folder;
  const Tokens prompt = counting(64 * 40);
  const Tokens longer = joined(prompt, {-1});
  {
    const auto store = open_token_store(folder);
    PrefixCache cache(store.get());
    cache.insert({}, prompt, make_pages(prompt), true);
    // Some are on disk, some in the queue, some wait for it.
    cache.forget({}, prompt, 64 * 3 + 5);
    write_all(cache, *store);
    EXPECT_EQ(store->status().n_pages, 3u);
    // Computed anew, they are kept as ever.
    cache.insert({}, prompt, make_pages(prompt), true);
    write_all(cache, *store);
    EXPECT_EQ(store->status().n_pages, 40u);
    cache.insert({}, longer, make_pages(longer), true);
    cache.forget({}, prompt, 64 * 30);
  }
  const auto store = open_token_store(folder);
  PrefixCache cache(store.get());
  EXPECT_EQ(find_with_disk(cache, {}, longer), 64 * 30);
}

// Against the naive cache that never forgets: with everything on disk, nothing whole may be lost,
// whatever memory drops and however often the program starts.
TEST(PrefixCacheOnDisk, LosesNothingWhateverMemoryDrops) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    const ScratchFolder folder;
    Prompts prompts(seed);
    NaivePrefixCache naive;
    std::vector<KvPage> keep_alive;  // the naive cache knows pages by their address
    for (int start = 0; start < 5; ++start) {
      const auto store = open_token_store(folder);
      PrefixCache cache(store.get());
      for (int step = 0; step < 40; ++step) {
        SCOPED_TRACE(fmt::format("seed {} start {} step {}", seed, start, step));
        const int scope = static_cast<int>(1 + prompts.below(2));
        constexpr int kShared = 64;
        const Tokens prompt = prompts.next();
        const Tokens wanted(prompt.begin(), prompt.end() - 1);
        const int n_shared = std::min<int>(kShared, static_cast<int>(prompt.size()));
        const PrefixScope prefix_scope{std::to_string(scope), kShared};
        EXPECT_EQ(find_with_disk(cache, prefix_scope, prompt) / 64,
                  naive.find(scope, n_shared, wanted) / 64);
        const Tokens whole(prompt.begin(),
                           prompt.begin() + static_cast<long>(prompt.size() / 64 * 64));
        if (whole.empty()) continue;
        const std::vector<KvPage> pages = make_pages(whole);
        keep_alive.insert(keep_alive.end(), pages.begin(), pages.end());
        cache.insert(prefix_scope, whole, pages, true);
        naive.insert(scope, n_shared, whole, pages);
        write_all(cache, *store);
        cache.evict(static_cast<int>(prompts.below(4)));
        cache.check_integrity();
      }
    }
  }
}

}  // namespace
}  // namespace jevons
