#include "engine/page_index.h"

#include <algorithm>

#include "base/check.h"

namespace jevons {

void PageIndex::add(const PageHash& hash, const PageHash& parent, std::int64_t used_ns) {
  Entry entry{parent, used_ns, used_ns, 0};
  if (const auto waiting = n_children_of_absent_.find(hash);
      waiting != n_children_of_absent_.end()) {
    entry.n_children = waiting->second;
    n_children_of_absent_.erase(waiting);
  }
  JEVONS_CHECK(entries_.emplace(hash, entry).second);
  if (entry.n_children == 0) leaves_.emplace(used_ns, hash);
  const auto before = entries_.find(parent);
  if (before == entries_.end()) {
    ++n_children_of_absent_[parent];
  } else if (before->second.n_children++ == 0) {
    leaves_.erase({before->second.used_ns, parent});
  }
}

void PageIndex::remove(const PageHash& hash) {
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return;
  const Entry entry = found->second;
  if (entry.n_children == 0) {
    leaves_.erase({entry.used_ns, hash});
  } else {
    n_children_of_absent_[hash] = entry.n_children;
  }
  entries_.erase(found);
  if (const auto before = entries_.find(entry.parent); before != entries_.end()) {
    Entry& parent = before->second;
    parent.used_ns = std::max(parent.used_ns, entry.used_ns);
    if (--parent.n_children == 0) leaves_.emplace(parent.used_ns, entry.parent);
  } else if (const auto absent = n_children_of_absent_.find(entry.parent);
             absent != n_children_of_absent_.end() && --absent->second == 0) {
    n_children_of_absent_.erase(absent);
  }
}

const PageIndex::Entry* PageIndex::find(const PageHash& hash) const {
  const auto found = entries_.find(hash);
  return found == entries_.end() ? nullptr : &found->second;
}

void PageIndex::mark_used(const PageHash& hash, std::int64_t now_ns) {
  const auto found = entries_.find(hash);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  if (entry.n_children == 0) {
    leaves_.erase({entry.used_ns, hash});
    leaves_.emplace(now_ns, hash);
  }
  entry.used_ns = now_ns;
}

void PageIndex::set_mtime(const PageHash& hash, std::int64_t mtime_ns) {
  if (const auto found = entries_.find(hash); found != entries_.end()) {
    found->second.mtime_ns = mtime_ns;
  }
}

std::optional<PageIndex::Name> PageIndex::first_to_go() const {
  if (entries_.empty()) return std::nullopt;
  // Names that a stranger put there can form a ring without a leaf: then any of them goes.
  const PageHash& hash = leaves_.empty() ? entries_.begin()->first : leaves_.begin()->second;
  return Name{hash, entries_.at(hash).parent};
}

}  // namespace jevons
