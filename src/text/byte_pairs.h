// Byte-pair encoding of one piece of text: its bytes become tokens, and as long as two neighbours
// can merge, the pair whose merge has the lowest rank does (the leftmost of equals). Time grows as
// n log n with the length of a piece, whatever is in it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/vocabulary.h"

namespace jevons {

/// Immutable; any thread may use it. Keeps nothing of the vocabulary it was made from.
class BytePairs {
 public:
  /// Errors name the token or merge by number: a byte without a token, a merge of ids that do not
  /// exist, that do not join to its result, or that stands there twice.
  [[nodiscard]] static Result<BytePairs> create(const Vocabulary& vocabulary);

  /// Memory that calls share, for one thread.
  struct Scratch {
    struct Node {
      std::int32_t id, rank;         // rank of the merge with the next node
      std::uint32_t previous, next;  // places in nodes
    };
    std::vector<Node> nodes;
    std::vector<std::uint64_t> heap;  // rank << 32 | place
    std::uint64_t n_steps = 0;        // pairs looked at so far, for those who measure
    std::stop_token stop{};           // once requested, a long piece gives no tokens
  };

  /// Appends the tokens of `piece`.
  void encode(std::string_view piece, Scratch& scratch, std::vector<std::int32_t>& ids) const;

  /// The token that encode() makes of `piece`, if it is a single one. A table lookup.
  [[nodiscard]] std::optional<std::int32_t> whole_token(std::string_view piece) const;

 private:
  struct PairSlot {
    std::uint64_t pair = 0;  // left << 32 | right
    std::int32_t rank = -1;  // -1: the slot is free
    std::int32_t result = 0;
  };
  struct TokenSlot {
    std::int32_t id = -1;  // -1: the slot is free
    std::uint32_t hash = 0;
    std::uint32_t begin = 0, n_bytes = 0;  // in token_bytes_
  };

  [[nodiscard]] Result<void> add_bytes(const Vocabulary& vocabulary);
  [[nodiscard]] Result<void> add_merges(const Vocabulary& vocabulary);
  void add_whole_tokens(const Vocabulary& vocabulary);
  [[nodiscard]] std::size_t pair_place(std::int32_t left, std::int32_t right) const;
  void merge(std::string_view piece, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void merge_short(std::string_view piece, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void merge_long(std::string_view piece, Scratch& scratch, std::vector<std::int32_t>& ids) const;
  void merge_at(std::uint32_t place, Scratch& scratch) const;

  std::array<std::int32_t, 256> byte_ids_{};
  std::vector<PairSlot> pairs_;    // open addressing, at most half full
  std::vector<TokenSlot> tokens_;  // likewise
  std::string token_bytes_;
  std::size_t longest_token_ = 0;
};

}  // namespace jevons
