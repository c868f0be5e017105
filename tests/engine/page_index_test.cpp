#include "engine/page_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace jevons {
namespace {

PageHash hash_of(unsigned n) {
  const std::int32_t token = static_cast<std::int32_t>(n);
  return next_page_hash({}, {&token, 1});
}

// The definition: a list of pages, and the oldest that is nobody's parent.
struct NaiveIndex {
  struct Page {
    PageHash parent;
    std::int64_t used_ns;
  };
  std::map<PageHash, Page> pages;

  [[nodiscard]] bool is_leaf(const PageHash& hash) const {
    return std::none_of(pages.begin(), pages.end(),
                        [&hash](const auto& page) { return page.second.parent == hash; });
  }
  void remove(const PageHash& hash) {
    const auto found = pages.find(hash);
    if (found == pages.end()) return;
    const Page page = found->second;
    pages.erase(found);
    if (const auto parent = pages.find(page.parent); parent != pages.end()) {
      parent->second.used_ns = std::max(parent->second.used_ns, page.used_ns);
    }
  }
  [[nodiscard]] std::int64_t oldest_ns() const {
    std::int64_t oldest = INT64_MAX;
    for (const auto& [hash, page] : pages) {
      if (is_leaf(hash)) oldest = std::min(oldest, page.used_ns);
    }
    return oldest;
  }
};

TEST(PageIndex, TheOldestLeafGoesFirstWhateverHappened) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    PageIndex index;
    NaiveIndex naive;
    std::int64_t now = 1000;
    for (int step = 0; step < 300; ++step) {
      const auto n = static_cast<unsigned>(1 + random() % 40);
      const PageHash hash = hash_of(n);
      // A page's parent is always the same one, and comes in any order.
      const PageHash parent = hash_of(n / 2);
      switch (random() % 4) {
        case 0:
        case 1:
          if (naive.pages.contains(hash)) break;
          index.add(hash, parent, ++now);
          naive.pages[hash] = {parent, now};
          break;
        case 2:
          index.mark_used(hash, ++now);
          if (naive.pages.contains(hash)) naive.pages[hash].used_ns = now;
          break;
        default:
          if (random() % 2 == 0) {
            index.remove(hash);
            naive.remove(hash);
          } else if (const auto first = index.first_to_go()) {
            EXPECT_TRUE(naive.is_leaf(first->hash));
            EXPECT_EQ(naive.pages.at(first->hash).used_ns, naive.oldest_ns());
            EXPECT_EQ(naive.pages.at(first->hash).parent, first->parent);
            index.remove(first->hash);
            naive.remove(first->hash);
          }
      }
      ASSERT_EQ(index.size(), naive.pages.size());
      ASSERT_EQ(index.first_to_go().has_value(), !naive.pages.empty());
      ASSERT_EQ(index.find(hash) != nullptr, naive.pages.contains(hash));
    }
  }
}

TEST(PageIndex, NamesThatFormARingCanStillGo) {
  PageIndex index;
  index.add(hash_of(1), hash_of(2), 1);
  index.add(hash_of(2), hash_of(1), 2);
  index.add(hash_of(3), hash_of(3), 3);
  for (int n = 3; n > 0; --n) {
    const auto first = index.first_to_go();
    ASSERT_TRUE(first);
    index.remove(first->hash);
  }
  EXPECT_EQ(index.size(), 0u);
  EXPECT_FALSE(index.first_to_go());
}

}  // namespace
}  // namespace jevons
