#include "engine/draft_lookup.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::size_t kFirstSlots = 1024;
// Somebody may choose tokens whose hashes are all the same; what is looked at stays bounded, and
// older places are forgotten.
constexpr std::size_t kMostProbes = 64;

std::size_t at(int i) { return static_cast<std::size_t>(i); }

bool same_run(std::span<const std::int32_t> tokens, int a, int b) {
  for (int i = 0; i < DraftLookup::kLeast; ++i) {
    if (tokens[at(a - i)] != tokens[at(b - i)]) return false;
  }
  return true;
}

}  // namespace

std::size_t DraftLookup::first_slot(std::span<const std::int32_t> tokens, int last) const {
  std::uint64_t hash = 0;
  for (int i = 0; i < kLeast; ++i) {
    hash = (hash ^ static_cast<std::uint32_t>(tokens[at(last - i)])) * 0x9E3779B97F4A7C15U;
    hash ^= hash >> 32;
  }
  return static_cast<std::size_t>(hash) & (slots_.size() - 1);
}

void DraftLookup::grow(std::span<const std::int32_t> tokens) {
  const std::vector<std::int32_t> old = std::move(slots_);
  slots_.assign(std::max(kFirstSlots, 2 * old.size()), -1);
  n_runs_ = 0;
  for (const std::int32_t last : old) {
    if (last >= 0) (void)exchange(tokens, last);
  }
}

// Puts the run that ends at `last` in its slot; returns where it stood before, or -1.
std::int32_t DraftLookup::exchange(std::span<const std::int32_t> tokens, int last) {
  const std::size_t first = first_slot(tokens, last);
  for (std::size_t i = 0; i < kMostProbes; ++i) {
    std::int32_t& slot = slots_[(first + i) & (slots_.size() - 1)];
    if (slot >= 0 && !same_run(tokens, slot, last)) continue;
    if (slot < 0) ++n_runs_;
    return std::exchange(slot, last);
  }
  slots_[first] = last;
  return -1;
}

void DraftLookup::add_to_index(std::span<const std::int32_t> tokens, int last) {
  previous_.push_back(-1);
  if (last + 1 < kLeast) return;
  if (2 * (n_runs_ + 1) > slots_.size()) grow(tokens);
  previous_.back() = exchange(tokens, last);
}

void DraftLookup::append(std::span<const std::int32_t> tokens) {
  const int n_known = static_cast<int>(previous_.size());
  const int n = static_cast<int>(tokens.size());
  JEVONS_CHECK(n >= n_known);
  for (int i = n_known; i < n; ++i) {
    add_to_index(tokens, i);
    if (match_.length == 0) continue;
    const bool goes_on = tokens[at(match_.place)] == tokens[at(i)];
    match_ = goes_on ? Match{match_.place + 1, std::min(match_.length + 1, kLongest)} : Match{};
  }
  if (n > n_known) find(tokens);
}

void DraftLookup::find(std::span<const std::int32_t> tokens) {
  const int last = static_cast<int>(tokens.size()) - 1;
  int place = previous_[at(last)];
  for (int i = 0; i < kMostPlaces && place >= 0 && match_.length < kLongest; ++i) {
    int length = kLeast;
    while (length < kLongest && length <= place &&
           tokens[at(place - length)] == tokens[at(last - length)]) {
      ++length;
    }
    if (length > match_.length) match_ = {place + 1, length};
    place = previous_[at(place)];
  }
}

std::int32_t DraftLookup::guess(std::span<const std::int32_t> tokens, int i) const {
  const int period = static_cast<int>(tokens.size()) - match_.place;
  return tokens[at(match_.place + i % period)];
}

}  // namespace jevons
