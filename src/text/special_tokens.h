// Finds the special tokens of a vocabulary in text: the leftmost one, and of those that begin there
// the longest that may stand there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/vocabulary.h"

namespace jevons {

/// [begin, end) of a text, in bytes.
struct TextRange {
  std::size_t begin, end;
};

/// Immutable; any thread may use it. Keeps nothing of the vocabulary it was made from.
class SpecialTokenFinder {
 public:
  /// Control and user-defined tokens; of two with the same text the first counts.
  explicit SpecialTokenFinder(const Vocabulary& vocabulary);

  struct Found {
    TextRange place;
    std::int32_t id;
  };
  /// The first special token at or after `from`. Control tokens count only inside one of `trusted`,
  /// which are sorted and do not touch; user-defined ones count everywhere. The time is that of
  /// reading the text, times the longest token at worst.
  [[nodiscard]] std::optional<Found> find(std::string_view text, std::size_t from,
                                          std::span<const TextRange> trusted) const;

  /// The token that is exactly `text`.
  [[nodiscard]] std::optional<std::int32_t> find_exact(std::string_view text) const;

 private:
  struct Node {
    std::int32_t id = -1;  // of the token that ends here
    bool is_control = false;
  };
  [[nodiscard]] std::int32_t child(std::int32_t node, char byte) const;

  std::vector<Node> nodes_;                                   // a trie; the root is first
  std::unordered_map<std::uint64_t, std::int32_t> children_;  // node << 8 | byte -> node
  bool begins_[256] = {};                                     // bytes that some token begins with
};

}  // namespace jevons
