// Pages whose keys and values are simply their tokens, so that a wrong page is seen, and prompts
// that collide.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "engine/prefix_cache.h"

namespace jevons {

using Tokens = std::vector<std::int32_t>;

constexpr std::size_t kPageTokens = kernels::kKeysPerPage;

inline KvPage make_page(std::span<const std::int32_t> tokens) {
  auto page = std::make_shared<AlignedBuffer>(kPageTokens * sizeof(std::int32_t));
  std::memcpy(page->data(), tokens.data(), tokens.size_bytes());
  return page;
}

inline std::vector<KvPage> make_pages(const Tokens& tokens) {
  std::vector<KvPage> pages;
  for (std::size_t at = 0; at < tokens.size(); at += kPageTokens) {
    pages.push_back(
        make_page(std::span(tokens).subspan(at, std::min(kPageTokens, tokens.size() - at))));
  }
  return pages;
}

// What a sequence does: it goes on from what it found with pages of its own.
inline std::vector<KvPage> pages_after(const PrefixMatch& match, const Tokens& tokens) {
  std::vector<KvPage> pages = make_pages(tokens);
  std::copy(match.pages.begin(), match.pages.end(), pages.begin());
  return pages;
}

inline void expect_right_pages(const PrefixMatch& match, const Tokens& tokens) {
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

inline Tokens counting(int n, int first = 0) {
  Tokens tokens;
  for (int i = 0; i < n; ++i) tokens.push_back(first + i);
  return tokens;
}

inline Tokens joined(Tokens a, const Tokens& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
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

}  // namespace jevons
