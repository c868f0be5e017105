#include "text/constraint/code_point_set.h"

#include <algorithm>

#include "base/utf8.h"

namespace jevons {
namespace {

// The scalar values are those before and after the surrogates.
constexpr char32_t kLastBefore = 0xD7FF, kFirstAfter = 0xE000;

}  // namespace

CodePointSet::CodePointSet(std::initializer_list<CodePointRange> ranges) {
  for (const CodePointRange& range : ranges) add(range.first, range.last);
}

CodePointSet CodePointSet::any() { return {{0, kLastCodePoint}}; }

void CodePointSet::add(char32_t first, char32_t last) {
  last = std::min(last, kLastCodePoint);
  if (first <= kLastBefore) insert(first, std::min(last, kLastBefore));
  if (last >= kFirstAfter) insert(std::max(first, kFirstAfter), last);
}

void CodePointSet::insert(char32_t first, char32_t last) {
  if (first > last) return;
  // Ranges that overlap or touch the new one become part of it.
  auto begin =
      std::lower_bound(ranges_.begin(), ranges_.end(), first,
                       [](const CodePointRange& range, char32_t c) { return range.last + 1 < c; });
  auto end = begin;
  while (end != ranges_.end() && end->first <= last + 1) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  begin = ranges_.erase(begin, end);
  ranges_.insert(begin, {first, last});
}

void CodePointSet::add(const CodePointSet& other) {
  for (const CodePointRange& range : other.ranges_) insert(range.first, range.last);
}

CodePointSet CodePointSet::complement() const {
  CodePointSet rest;
  char32_t next = 0;
  for (const CodePointRange& range : ranges_) {
    if (range.first > next) rest.add(next, range.first - 1);
    next = range.last + 1;
  }
  if (next <= kLastCodePoint) rest.add(next, kLastCodePoint);
  return rest;
}

bool CodePointSet::contains(char32_t c) const {
  const auto found =
      std::lower_bound(ranges_.begin(), ranges_.end(), c,
                       [](const CodePointRange& range, char32_t x) { return range.last < x; });
  return found != ranges_.end() && found->first <= c;
}

std::u32string code_points(std::string_view utf8) {
  std::u32string decoded;
  while (!utf8.empty()) {
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(utf8));
    const auto lead = static_cast<unsigned char>(utf8.front());
    char32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      c = c << 6 | (static_cast<unsigned char>(utf8[i]) & 0x3Fu);
    }
    decoded.push_back(c);
    utf8.remove_prefix(length);
  }
  return decoded;
}

}  // namespace jevons
