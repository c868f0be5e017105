#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "tests/engine/naive_prefix_cache.h"
#include "tests/engine/token_pages.h"

namespace jevons {
namespace {

void insert(PrefixCache& cache, const Tokens& tokens, const PrefixScope& scope = {}) {
  cache.insert(scope, tokens, make_pages(tokens), false);
  cache.check_integrity();
}

void expect_true_break(const NaivePrefixCache& naive, int scope, int n_shared, const Tokens& prompt,
                       const PrefixMatch& match) {
  const auto n = static_cast<std::size_t>(match.n_tokens);
  const Tokens found(prompt.begin(), prompt.begin() + n);
  const auto ways = naive.continuations(scope, n_shared, found);
  if (!match.broke_at) {
    // Then nothing was found, the prompt ended, or (where pages of two kinds cannot compete) the
    // cached side did.
    if (n == 0 || n + 1 == prompt.size() || n_shared > 0) return;
    EXPECT_TRUE(ways.empty());
    return;
  }
  const CacheReport::Break& broke = *match.broke_at;
  EXPECT_EQ(broke.token_index, match.n_tokens);
  ASSERT_FALSE(broke.cached.empty());
  ASSERT_LE(broke.cached.size(), 24u);
  EXPECT_NE(broke.cached[0], broke.prompt.at(0));
  EXPECT_EQ(broke.cached.size(), std::min<std::size_t>(24, broke.n_lost_tokens));
  EXPECT_EQ(broke.prompt.size(), std::min<std::size_t>(24, prompt.size() - n));
  EXPECT_TRUE(std::equal(broke.prompt.begin(), broke.prompt.end(), prompt.begin() + n));
  EXPECT_TRUE(std::any_of(ways.begin(), ways.end(), [&broke](const Tokens& way) {
    return static_cast<int>(way.size()) == broke.n_lost_tokens &&
           std::equal(broke.cached.begin(), broke.cached.end(), way.begin());
  }));
}

class AgainstTheNaiveCache : public testing::TestWithParam<unsigned> {};

TEST_P(AgainstTheNaiveCache, FindsKeepsAndDropsTheSame) {
  Prompts prompts(GetParam());
  PrefixCache cache(nullptr);
  NaivePrefixCache naive;
  std::vector<std::vector<KvPage>> sequences;  // pages in use
  for (int step = 0; step < 400; ++step) {
    SCOPED_TRACE(step);
    const int scope = static_cast<int>(1 + prompts.below(2));
    const int n_shared = prompts.below(2) == 0 ? 0 : static_cast<int>(prompts.below(200));
    const PrefixScope prefix_scope{std::to_string(scope), n_shared};
    // Scopes are numbered as they come; the naive cache has the number as the name says.
    const Tokens prompt = prompts.next();
    const Tokens wanted(prompt.begin(), prompt.end() - 1);
    const int n_visible_shared = std::min(n_shared, static_cast<int>(prompt.size()));
    EXPECT_EQ(cache.count(prefix_scope, prompt), naive.find(scope, n_visible_shared, wanted));
    const PrefixMatch match = cache.match(prefix_scope, prompt);
    EXPECT_EQ(match.n_tokens, naive.find(scope, n_visible_shared, wanted));
    expect_right_pages(match, prompt);
    expect_true_break(naive, scope, n_visible_shared, prompt, match);
    naive.matched(scope, n_visible_shared, wanted, match);
    if (prompts.below(3) > 0) {
      const std::vector<KvPage> pages = pages_after(match, prompt);
      cache.insert(prefix_scope, prompt, pages, false);
      naive.insert(scope, n_visible_shared, prompt, pages);
      if (prompts.below(4) == 0) sequences.push_back(pages);
    }
    cache.check_integrity();
    if (!sequences.empty() && prompts.below(3) == 0) sequences.erase(sequences.begin());
    if (prompts.below(2) == 0) continue;
    std::set<const AlignedBuffer*> held;
    for (const auto& pages : sequences) {
      for (const KvPage& page : pages) held.insert(page.get());
    }
    for (const KvPage& page : match.pages) held.insert(page.get());
    held.insert(match.partial.get());
    naive.sweep(held);
    EXPECT_EQ(cache.n_evictable_pages(), naive.n_evictable());
    for (std::size_t n = prompts.below(6); n > 0; --n) {
      const double least = naive.least_value();
      const int n_evictable = naive.n_evictable();
      ASSERT_EQ(cache.evict(1), std::min(1, n_evictable));
      if (n_evictable == 0) break;
      ASSERT_DOUBLE_EQ(naive.forget_the_dropped_one(), least);
    }
    cache.check_integrity();
    ASSERT_EQ(cache.n_pages(), static_cast<int>(naive.records().size()));
  }
  sequences.clear();
  EXPECT_EQ(cache.evict(1 << 30), static_cast<int>(naive.records().size()));
  EXPECT_EQ(cache.n_pages(), 0);
}

TEST(PrefixCache, FindsTheLongestCommonPrefixToTheToken) {
  PrefixCache cache(nullptr);
  const Tokens cached = counting(200);
  insert(cache, cached);
  for (int n = 0; n <= 200; ++n) {
    const Tokens prompt = joined(counting(n), {-1, -2});
    const PrefixMatch match = cache.match({}, prompt);
    EXPECT_EQ(match.n_tokens, n);
    EXPECT_EQ(cache.count({}, prompt), n);
    expect_right_pages(match, prompt);
  }
  EXPECT_EQ(cache.match({}, cached).n_tokens, 199);  // the last one's logits are wanted
  EXPECT_EQ(cache.match({}, counting(129)).n_tokens, 128);
  EXPECT_EQ(cache.match({}, {}).n_tokens, 0);
  EXPECT_EQ(cache.match({}, counting(1)).n_tokens, 0);
}

TEST(PrefixCache, ALongerVersionOfAPageTakesItsPlace) {
  PrefixCache cache(nullptr);
  for (const int n : {10, 64, 70, 90, 80, 128, 100, 129}) insert(cache, counting(n));
  EXPECT_EQ(cache.n_pages(), 3);
  insert(cache, joined(counting(100), counting(20, 900)));
  EXPECT_EQ(cache.n_pages(), 4);
  EXPECT_EQ(cache.count({}, counting(500)), 129);
}

TEST(PrefixCache, SaysWhereAPromptLeftTheCachedOne) {
  PrefixCache cache(nullptr);
  insert(cache, counting(300));
  const Tokens prompt = joined(counting(100), counting(50, 1000));
  const auto broke = cache.match({}, prompt).broke_at;
  ASSERT_TRUE(broke);
  EXPECT_EQ(broke->token_index, 100);
  EXPECT_EQ(broke->cached, counting(24, 100));
  EXPECT_EQ(broke->prompt, counting(24, 1000));
  EXPECT_EQ(broke->n_lost_tokens, 200);
  // Between two pages, and near both ends.
  const auto border = cache.match({}, joined(counting(128), {7, 8})).broke_at;
  ASSERT_TRUE(border);
  EXPECT_EQ(border->token_index, 128);
  EXPECT_EQ(border->prompt, (Tokens{7, 8}));
  EXPECT_EQ(border->n_lost_tokens, 172);
  const auto late = cache.match({}, joined(counting(298), {7, 8})).broke_at;
  ASSERT_TRUE(late);
  EXPECT_EQ(late->cached, (Tokens{298, 299}));
}

TEST(PrefixCache, APromptThatGoesOnOrEndsHasNotBroken) {
  PrefixCache cache(nullptr);
  insert(cache, counting(192));
  insert(cache, joined(counting(64), counting(10, 500)));
  EXPECT_FALSE(cache.match({}, counting(400)).broke_at);
  EXPECT_FALSE(cache.match({}, counting(150)).broke_at);
  EXPECT_FALSE(cache.match({}, joined(counting(64), counting(30, 500))).broke_at);
  EXPECT_FALSE(cache.match({}, counting(50, 7)).broke_at);  // nothing begins like it
}

TEST(PrefixCache, OfSeveralWaysOnTheLastUsedOneIsReported) {
  PrefixCache cache(nullptr);
  insert(cache, joined(counting(64), counting(640, 1000)));
  insert(cache, joined(counting(64), counting(100, 5000)));
  const Tokens prompt = joined(counting(64), {1, 2, 3});
  EXPECT_EQ(cache.match({}, prompt).broke_at->n_lost_tokens, 100);
  (void)cache.match({}, joined(counting(64), counting(700, 1000)));
  EXPECT_EQ(cache.match({}, prompt).broke_at->n_lost_tokens, 640);
}

TEST(PrefixCache, ScopesSeeNothingOfEachOther) {
  PrefixCache cache(nullptr);
  const PrefixScope alice{"alice", 0};
  const PrefixScope bob{"bob", 0};
  insert(cache, counting(200), alice);
  EXPECT_EQ(cache.count(bob, counting(200)), 0);
  const PrefixMatch match = cache.match(bob, joined(counting(100), {-1}));
  EXPECT_EQ(match.n_tokens, 0);
  EXPECT_FALSE(match.broke_at);
  insert(cache, joined(counting(100), counting(9, 700)), bob);
  EXPECT_EQ(cache.count(bob, counting(200)), 100);
  EXPECT_EQ(cache.match(bob, counting(200)).broke_at->cached, counting(9, 700));
  EXPECT_EQ(cache.count(alice, joined(counting(100), counting(9, 700))), 100);
}

TEST(PrefixCache, ASharedPrefixIsFoundByAllAndWhatFollowsIsNot) {
  PrefixCache cache(nullptr);
  insert(cache, counting(300), {"alice", 150});  // two whole pages are shared
  EXPECT_EQ(cache.count({"alice", 150}, counting(300)), 299);
  EXPECT_EQ(cache.count({"bob", 150}, counting(300)), 128);
  EXPECT_EQ(cache.count({"bob", 100}, counting(300)), 64);
  EXPECT_EQ(cache.count({"bob", 0}, counting(300)), 0);
  // Of what others share only the agreed part is shown.
  EXPECT_FALSE(cache.match({"bob", 150}, counting(300)).broke_at);
  const auto broke = cache.match({"bob", 150}, joined(counting(100), {5, 6})).broke_at;
  ASSERT_FALSE(broke);  // of 102 tokens one page is agreed on
  const auto later = cache.match({"bob", 150}, joined(counting(100), counting(60, 900))).broke_at;
  ASSERT_TRUE(later);
  EXPECT_EQ(later->cached, counting(24, 100));
  EXPECT_EQ(later->n_lost_tokens, 28);
}

TEST(PrefixCache, WhatAScopeComputedAloneItFindsAlsoWhenItShares) {
  PrefixCache cache(nullptr);
  insert(cache, counting(300), {"alice", 0});
  const PrefixMatch match = cache.match({"alice", 150}, counting(400));
  EXPECT_EQ(match.n_tokens, 300);
  cache.insert({"alice", 150}, counting(400), pages_after(match, counting(400)), false);
  cache.check_integrity();
  EXPECT_EQ(cache.n_pages(), 7);
}

TEST(PrefixCache, PagesInUseStay) {
  PrefixCache cache(nullptr);
  insert(cache, counting(640));
  PrefixMatch match = cache.match({}, joined(counting(200), {-1}));
  EXPECT_EQ(cache.n_evictable_pages(), 6);  // three whole pages and a partial one are held
  EXPECT_EQ(cache.evict(100), 6);
  expect_right_pages(match, joined(counting(200), {-1}));
  EXPECT_EQ(cache.count({}, counting(640)), 256);
  match = {};
  EXPECT_EQ(cache.n_evictable_pages(), 4);
  EXPECT_EQ(cache.evict(3), 3);
  EXPECT_EQ(cache.count({}, counting(640)), 64);
}

TEST(PrefixCache, TheEndsOfOldConversationsGoFirstAndTheirCommonBeginningLast) {
  PrefixCache cache(nullptr);
  const Tokens system = counting(256);
  for (int i = 0; i < 5; ++i) insert(cache, joined(system, counting(128, 1000 * (i + 1))));
  insert(cache, counting(256, 50'000));  // a newer one that shares nothing
  EXPECT_EQ(cache.n_pages(), 4 + 10 + 4);
  EXPECT_EQ(cache.evict(2), 2);
  EXPECT_EQ(cache.count({}, joined(system, counting(128, 1000))), 256);
  EXPECT_EQ(cache.count({}, joined(system, counting(128, 2000))), 256 + 127);
  EXPECT_EQ(cache.evict(8 + 4), 12);
  EXPECT_EQ(cache.count({}, counting(256, 50'000)), 0);
  EXPECT_EQ(cache.count({}, joined(system, {-1})), 256);
}

// Two agents take turns with memory for one and a half of their prompts. Dropping from the end
// keeps half of each; a cache that dropped whole prompts, or from the front, would keep nothing.
TEST(PrefixCache, TwoThatTakeTurnsInTooLittleMemoryKeepHalfOfTheirPrompts) {
  PrefixCache cache(nullptr);
  constexpr int kPages = 40;
  constexpr int kMemory = kPages + kPages / 2;
  const std::vector<Tokens> prompts{counting(kPages * 64), counting(kPages * 64, 100'000)};
  int n_cached = 0;
  for (int turn = 0; turn < 20; ++turn) {
    const Tokens& prompt = prompts[static_cast<std::size_t>(turn % 2)];
    PrefixMatch match = cache.match({}, prompt);
    const int n_new = kPages - static_cast<int>(match.pages.size());
    const int n_free = kMemory - cache.n_pages();
    const int n_to_drop = std::max(0, n_new - n_free);
    EXPECT_EQ(cache.evict(n_to_drop), n_to_drop);
    cache.insert({}, prompt, pages_after(match, prompt), false);
    if (turn >= 2) n_cached += match.n_tokens;
    EXPECT_LE(cache.n_pages(), kMemory);
  }
  EXPECT_GE(n_cached, 18 * (kPages / 2 - 1) * 64);
}

TEST(PrefixCache, WhatIsForgottenIsNotFoundBySomeoneWhoUsesIt) {
  PrefixCache cache(nullptr);
  insert(cache, counting(400));
  insert(cache, joined(counting(150), counting(100, 900)));
  insert(cache, joined(counting(70), counting(100, 500)));
  PrefixMatch match = cache.match({}, counting(400));
  cache.forget({}, counting(400), 130);
  cache.check_integrity();
  EXPECT_EQ(cache.count({}, counting(400)), 150);  // of a page that begins the same and stays
  EXPECT_EQ(cache.count({}, joined(counting(150), counting(100, 900))), 249);
  EXPECT_EQ(cache.n_evictable_pages(), cache.n_pages() - 2);
  expect_right_pages(match, counting(400));
  cache.forget({}, counting(128), 128);
  EXPECT_EQ(cache.count({}, counting(400)), 150);
  cache.forget({}, joined(counting(64), {-1}), 0);
  cache.check_integrity();
  EXPECT_EQ(cache.n_pages(), 0);
}

TEST(PrefixCache, ForgettingLeavesNothingOfAPromptAndTheTreeSound) {
  Prompts prompts(5);
  PrefixCache cache(nullptr);
  std::vector<PrefixMatch> in_use;
  for (int round = 0; round < 500; ++round) {
    const Tokens prompt = prompts.next();
    in_use.push_back(cache.match({}, prompt));
    cache.insert({}, prompt, pages_after(in_use.back(), prompt), false);
    if (prompts.below(2) == 0) in_use.erase(in_use.begin());
    if (prompts.below(2) == 0) cache.evict(static_cast<int>(prompts.below(4)));
    if (prompts.below(3) > 0) continue;
    const int n_sound = static_cast<int>(prompts.below(prompt.size()));
    cache.forget({}, prompt, n_sound);
    EXPECT_LE(cache.count({}, prompt) / 64, n_sound / 64);
    cache.check_integrity();
  }
  in_use.clear();
  EXPECT_EQ(cache.n_evictable_pages(), cache.n_pages());
}

TEST(PrefixCache, AskingAgainAndAgainIsOneUse) {
  PrefixCache cache(nullptr);
  insert(cache, counting(64));
  insert(cache, counting(64, 500));
  insert(cache, counting(64, 900));
  for (int i = 0; i < 1000; ++i) (void)cache.match({}, counting(70));
  (void)cache.match({}, counting(70, 500));
  // The third was never asked for; of the two others the first was asked for less lately.
  EXPECT_EQ(cache.evict(2), 2);
  EXPECT_EQ(cache.count({}, counting(70, 500)), 64);
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstTheNaiveCache, testing::Range(0u, 12u));

}  // namespace
}  // namespace jevons
