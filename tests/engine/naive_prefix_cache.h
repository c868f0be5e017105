// The prefix cache as its contract describes it, without any structure: a list of pages, each with
// all tokens up to its end, searched from end to end. An oracle for tests.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "engine/prefix_cache.h"
#include "tests/engine/token_pages.h"

namespace jevons {

class NaivePrefixCache {
 public:
  struct Record {
    std::vector<int> scopes;  // of each page on the way, 0: shared
    Tokens tokens;            // from the first page on
    std::weak_ptr<AlignedBuffer> page;
    const AlignedBuffer* address = nullptr;
    double last_use = 0, last_counted = 0;
    std::uint64_t n_uses = 1, n_branches = 1;
    bool is_held = false;  // as far as the cache has looked
  };

  /// Tokens of `wanted` that scope `scope` may find, at most.
  [[nodiscard]] int find(int scope, int n_shared, const Tokens& wanted) const {
    return best(scope, n_shared, wanted).first;
  }

  void matched(int scope, int n_shared, const Tokens& wanted, const PrefixMatch& match) {
    if (Record* const last = page_at(match.pages.empty() ? nullptr : match.pages.back().get())) {
      for (Record* record : chain(*last)) record->is_held = true;
      mark_used(*last, true);
    }
    EXPECT_EQ(match.n_tokens % 64 != 0, match.partial != nullptr);
    if (match.partial == nullptr) return;
    Record* const partial = page_at(match.partial.get());
    ASSERT_NE(partial, nullptr);
    EXPECT_EQ(n_common(visible(*partial, scope, n_shared), wanted), match.n_tokens);
    EXPECT_EQ(partial->scopes.size(), match.pages.size() + 1);
    partial->is_held = true;
    mark_used(*partial, false);
  }

  void insert(int scope, int n_shared, const Tokens& tokens, const std::vector<KvPage>& pages) {
    std::vector<int> scopes = best(scope, n_shared, tokens).second;
    const std::size_t n_there = scopes.size();
    Record* last = page_of(scopes, {tokens.begin(), tokens.begin() + scopes.size() * 64});
    for (std::size_t i = n_there; i < pages.size(); ++i) {
      const bool is_shared = (scopes.empty() || scopes.back() == 0) &&
                             (i + 1) * 64 <= static_cast<std::size_t>(n_shared);
      scopes.push_back(is_shared ? 0 : scope);
      const std::size_t end = std::min(tokens.size(), (i + 1) * 64);
      last = add(scopes, {tokens.begin(), tokens.begin() + end}, pages[i]);
    }
    mark_used(*last, false);
  }

  /// What evict() and n_evictable_pages() look at first: who still holds what was handed out.
  void sweep(const std::set<const AlignedBuffer*>& held) {
    for (Record& record : records_) {
      if (!record.is_held || held.contains(record.address)) continue;
      record.is_held = false;
      for (Record* page : chain(record)) page->last_use = now_;
    }
  }
  [[nodiscard]] int n_evictable() const {
    return static_cast<int>(std::count_if(records_.begin(), records_.end(),
                                          [this](const Record& r) { return !is_pinned(r); }));
  }
  /// The value of the page that may go now.
  [[nodiscard]] double least_value() const {
    double least = INFINITY;
    for (const Record& record : records_) {
      if (is_leaf(record) && !record.is_held) least = std::min(least, value(record));
    }
    return least;
  }
  /// Takes over what the cache has dropped; returns its value. Exactly one page must be gone.
  double forget_the_dropped_one() {
    double dropped = NAN;
    int n_dropped = 0;
    for (const Record& record : records_) {
      if (!record.page.expired()) continue;
      ++n_dropped;
      dropped = value(record);
      EXPECT_TRUE(is_leaf(record));
      EXPECT_FALSE(record.is_held);
    }
    EXPECT_EQ(n_dropped, 1);
    std::erase_if(records_, [](const Record& record) { return record.page.expired(); });
    return dropped;
  }

  /// The longest way on from `tokens`, which are all found, that `scope` may see.
  [[nodiscard]] std::vector<Tokens> continuations(int scope, int n_shared,
                                                  const Tokens& tokens) const {
    std::vector<Tokens> found;
    for (const Record& record : records_) {
      const Tokens seen = visible(record, scope, n_shared);
      if (seen.size() <= tokens.size() || !is_prefix(tokens, seen)) continue;
      found.emplace_back(seen.begin() + tokens.size(), seen.end());
    }
    return found;
  }
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }

 private:
  static bool is_prefix(const auto& a, const auto& b) {
    return a.size() <= b.size() && std::equal(a.begin(), a.end(), b.begin());
  }
  static int n_common(const Tokens& a, const Tokens& b) {
    return static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
                            a.begin());
  }
  static Tokens visible(const Record& record, int scope, int n_shared) {
    std::size_t n_pages = 0;
    for (const int page_scope : record.scopes) {
      const bool is_seen = page_scope == 0
                               ? (n_pages + 1) * 64 <= static_cast<std::size_t>(n_shared)
                               : page_scope == scope;
      if (!is_seen) break;
      ++n_pages;
    }
    return {record.tokens.begin(),
            record.tokens.begin() + std::min(record.tokens.size(), n_pages * 64)};
  }
  /// Length found, and the scopes of the whole pages on the way.
  [[nodiscard]] std::pair<int, std::vector<int>> best(int scope, int n_shared,
                                                      const Tokens& wanted) const {
    std::pair<int, std::vector<int>> found{0, {}};
    long n_shared_pages = 0;
    for (const Record& record : records_) {
      const int common = n_common(visible(record, scope, n_shared), wanted);
      const std::vector<int> scopes(record.scopes.begin(), record.scopes.begin() + common / 64);
      const long n_zeros = std::count(scopes.begin(), scopes.end(), 0);
      if (std::pair(common, n_zeros) <= std::pair(found.first, n_shared_pages)) continue;
      found = {common, scopes};
      n_shared_pages = n_zeros;
    }
    return found;
  }
  Record* page_of(const std::vector<int>& scopes, const Tokens& tokens) {
    for (Record& record : records_) {
      if (record.scopes == scopes && record.tokens == tokens) return &record;
    }
    return nullptr;
  }
  Record* page_at(const AlignedBuffer* address) {
    for (Record& record : records_) {
      if (record.address == address) return &record;
    }
    return nullptr;
  }
  static bool is_before(const Record& a, const Record& b) {
    return is_prefix(a.scopes, b.scopes) && is_prefix(a.tokens, b.tokens);
  }
  std::vector<Record*> chain(const Record& last) {
    std::vector<Record*> pages;
    for (Record& record : records_) {
      if (is_before(record, last)) pages.push_back(&record);
    }
    return pages;
  }
  static bool is_parent(const Record& a, const Record& b) {
    return is_before(a, b) && a.scopes.size() + 1 == b.scopes.size();
  }
  Record* add(const std::vector<int>& scopes, const Tokens& tokens, const KvPage& page) {
    // Of several that go on from these tokens, any would do; the cache takes the first in order.
    Record* longer = nullptr;
    for (Record& record : records_) {
      if (record.scopes != scopes || !is_prefix(tokens, record.tokens)) continue;
      if (longer == nullptr || record.tokens < longer->tokens) longer = &record;
    }
    if (longer != nullptr) return longer;
    for (Record& record : records_) {
      if (record.scopes != scopes || !is_prefix(record.tokens, tokens)) continue;
      record.tokens = tokens;
      record.page = page;
      record.address = page.get();
      record.is_held = true;
      return &record;
    }
    Record record{.scopes = scopes, .tokens = tokens, .page = page, .address = page.get()};
    record.is_held = true;
    for (Record& parent : records_) {
      if (!is_parent(parent, record) || is_leaf(parent)) continue;
      for (Record* before : chain(parent)) ++before->n_branches;
    }
    records_.push_back(record);
    now_ += 1.0 / static_cast<double>(records_.size());
    records_.back().last_use = records_.back().last_counted = now_;
    return &records_.back();
  }
  void mark_used(const Record& last, bool counts) {
    for (Record* record : chain(last)) {
      if (counts && now_ - record->last_counted >= 0.01) {
        ++record->n_uses;
        record->last_counted = now_;
      }
      record->last_use = now_;
    }
  }
  [[nodiscard]] bool is_leaf(const Record& record) const {
    return std::none_of(records_.begin(), records_.end(),
                        [&record](const Record& other) { return is_parent(record, other); });
  }
  [[nodiscard]] bool is_pinned(const Record& record) const {
    return std::any_of(records_.begin(), records_.end(), [&record](const Record& other) {
      return other.is_held && is_before(record, other);
    });
  }
  [[nodiscard]] static double value(const Record& record) {
    return record.last_use +
           std::log2(static_cast<double>(record.n_uses) * static_cast<double>(record.n_branches)) /
               2;
  }

  std::vector<Record> records_;
  double now_ = 0;
};

}  // namespace jevons
