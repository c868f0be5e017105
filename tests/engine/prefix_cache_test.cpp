#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "tests/engine/naive_prefix_cache.h"

namespace jevons {
namespace {

constexpr std::size_t kPageTokens = kernels::kKeysPerPage;

// A page whose keys and values are simply its tokens, so that a wrong page is seen.
KvPage make_page(std::span<const std::int32_t> tokens) {
  auto page = std::make_shared<AlignedBuffer>(kPageTokens * sizeof(std::int32_t));
  std::memcpy(page->data(), tokens.data(), tokens.size_bytes());
  return page;
}

std::vector<KvPage> make_pages(const Tokens& tokens) {
  std::vector<KvPage> pages;
  for (std::size_t at = 0; at < tokens.size(); at += kPageTokens) {
    pages.push_back(
        make_page(std::span(tokens).subspan(at, std::min(kPageTokens, tokens.size() - at))));
  }
  return pages;
}

// What a sequence does: it goes on from what it found with pages of its own.
std::vector<KvPage> pages_after(const PrefixMatch& match, const Tokens& tokens) {
  std::vector<KvPage> pages = make_pages(tokens);
  std::copy(match.pages.begin(), match.pages.end(), pages.begin());
  return pages;
}

void expect_right_pages(const PrefixMatch& match, const Tokens& tokens) {
  ASSERT_LT(match.n_tokens, static_cast<int>(tokens.size()));
  ASSERT_EQ(match.pages.size(), static_cast<std::size_t>(match.n_tokens) / kPageTokens);
  std::vector<KvPage> pages = match.pages;
  if (match.partial != nullptr) pages.push_back(match.partial);
  for (std::size_t i = 0; i < static_cast<std::size_t>(match.n_tokens); ++i) {
    std::int32_t token = 0;
    std::memcpy(&token, pages[i / kPageTokens]->data() + i % kPageTokens * sizeof token,
                sizeof token);
    ASSERT_EQ(token, tokens[i]) << "at " << i;
  }
}

Tokens counting(int n, int first = 0) {
  Tokens tokens;
  for (int i = 0; i < n; ++i) tokens.push_back(first + i);
  return tokens;
}

Tokens joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

void insert(PrefixCache& cache, const Tokens& tokens, const PrefixScope& scope = {}) {
  cache.insert(scope, tokens, make_pages(tokens), false);
  cache.check_integrity();
}

// Prompts over few symbols in runs, so that prefixes collide at every length.
class Prompts {
 public:
  explicit Prompts(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  Tokens next() {
    Tokens tokens;
    for (std::size_t n = below(16); n > 0; --n) {
      tokens.insert(tokens.end(), 16, below(4) == 0 ? 1 : 2);
    }
    for (std::size_t n = below(20); n > 0; --n) tokens.push_back(static_cast<int>(1 + below(2)));
    if (tokens.empty()) tokens.push_back(1);
    return tokens;
  }

 private:
  std::mt19937 random_;
};

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

TEST(PrefixCache, Basics) {
  PrefixCache cache(nullptr);
  insert(cache, joined(counting(100), counting(5)));
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgainstTheNaiveCache, testing::Range(0u, 12u));

}  // namespace
}  // namespace jevons
