// The ordinary tokens of a vocabulary as a trie over their bytes, laid out in the order of a
// depth-first walk so that a subtree is a range of nodes. Special and unused tokens are not in it.
// Immutable; any thread may read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace jevons {

class VocabularyTrie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;

  explicit VocabularyTrie(const Tokenizer& tokenizer);

  [[nodiscard]] std::size_t n_nodes() const { return nodes_.size() - 1; }
  [[nodiscard]] std::size_t n_words() const { return n_words_; }  // of a mask
  [[nodiscard]] std::size_t n_tokens() const { return n_tokens_; }
  [[nodiscard]] std::size_t longest() const { return longest_; }  // token, in bytes

  [[nodiscard]] std::uint8_t byte(Node node) const { return nodes_[node].byte; }
  [[nodiscard]] std::uint16_t depth(Node node) const { return nodes_[node].depth; }
  /// The first node after the subtree.
  [[nodiscard]] Node end(Node node) const { return nodes_[node].end; }
  [[nodiscard]] bool has_children(Node node) const { return nodes_[node].end > node + 1; }
  /// The tokens whose bytes end here.
  [[nodiscard]] std::span<const std::int32_t> tokens(Node node) const {
    const std::uint32_t first = nodes_[node].first_token;
    return {token_ids_.data() + first, nodes_[node + 1].first_token - first};
  }

 private:
  struct Entry {
    Node end;
    std::uint32_t first_token;  // in token_ids_; those of the node end where the next one's begin
    std::uint16_t depth;
    std::uint8_t byte;
  };
  std::vector<Entry> nodes_;  // and one more at the end
  std::vector<std::int32_t> token_ids_;
  std::size_t n_words_ = 0, n_tokens_ = 0, longest_ = 0;
};

}  // namespace jevons
