// Which pages are on disk, and which of them goes first when room is needed: of those that no other
// page on disk follows, the one used longest ago. So a prefix outlives what goes on from it, and
// what is left can always be reached. One thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/page_hash.h"

namespace jevons {

class PageIndex {
 public:
  struct Entry {
    PageHash parent{};
    std::int64_t used_ns = 0;   // system clock
    std::int64_t mtime_ns = 0;  // what the file system knows of that
    int n_children = 0;         // on disk
  };

  /// The page must not be there yet.
  void add(const PageHash& hash, const PageHash& parent, std::int64_t used_ns);
  /// Does nothing if it is not there.
  void remove(const PageHash& hash);
  /// Null if it is not there.
  [[nodiscard]] const Entry* find(const PageHash& hash) const;
  void mark_used(const PageHash& hash, std::int64_t now_ns);
  void set_mtime(const PageHash& hash, std::int64_t mtime_ns);

  struct Name {
    PageHash hash, parent;
  };
  [[nodiscard]] std::optional<Name> first_to_go() const;
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Order = std::pair<std::int64_t, PageHash>;
  std::unordered_map<PageHash, Entry, PageHashIndex> entries_;
  // Pages that name a parent which is not there: it may come (or come back) later.
  std::unordered_map<PageHash, int, PageHashIndex> n_children_of_absent_;
  std::set<Order> leaves_;
};

}  // namespace jevons
