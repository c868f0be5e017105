// Writes edges over characters as edges over bytes: UTF-8, and the escapes of JSON strings. Equal
// continuations share their states. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/constraint/lexeme.h"
#include "text/constraint/work_budget.h"

namespace jevons {

struct CharEdge {
  char32_t first, last;  // both are inside; surrogates in between do not count
  std::uint32_t to;
  std::uint8_t increment;  // written on the first byte
};

class CharacterEncoder {
 public:
  CharacterEncoder(LexemeBuilder& out, WorkBudget& budget) : out_(out), budget_(budget) {}

  /// `edges`: of the state `from`, sorted and disjoint, to states of the builder.
  [[nodiscard]] Result<void> write_utf8(std::uint32_t from, std::span<const CharEdge> edges);

  /// The inside of a JSON string: what may stand for itself, and after a backslash the escapes;
  /// \uXXXX for all characters or only for those that must be escaped.
  [[nodiscard]] Result<void> write_json(std::uint32_t from, std::span<const CharEdge> edges,
                                        bool all_escapes);

 private:
  struct ByteSequence {
    std::uint8_t first[4], last[4];
    std::size_t length;
    std::uint32_t to;
    std::uint8_t increment;
  };
  /// Values of some hex digits, relative to the digits before them.
  struct HexRange {
    std::uint32_t first, last, to;
  };
  using HexRanges = std::vector<HexRange>;

  static void split(const CharEdge& edge, std::vector<ByteSequence>& sequences);
  [[nodiscard]] Result<void> write_bytes(std::uint32_t from,
                                         std::span<const ByteSequence> sequences, std::size_t at);
  [[nodiscard]] Result<std::uint32_t> rest_of(std::vector<ByteSequence> sequences, std::size_t at);
  [[nodiscard]] Result<std::uint32_t> escape(std::span<const CharEdge> edges, bool all_escapes);
  [[nodiscard]] Result<std::uint32_t> unicode_escape(std::span<const CharEdge> edges);
  [[nodiscard]] Result<std::uint32_t> low_surrogate(const HexRanges& ranges);
  [[nodiscard]] Result<std::uint32_t> hex_digits(const HexRanges& ranges, int n_digits);
  [[nodiscard]] Result<void> write_hex_digit(std::uint32_t from, const HexRanges& ranges,
                                             std::uint32_t first_digit, std::uint32_t n_values,
                                             int n_digits_after);

  LexemeBuilder& out_;
  WorkBudget& budget_;
  std::unordered_map<std::string, std::uint32_t> known_;  // description of a state -> its number
};

}  // namespace jevons
