// A lexeme: one unbroken piece of output that a deterministic automaton over bytes describes, such
// as a string with its quotes, a number, or the raw text of a parameter with its closing tag.
//
// Length limits of plain strings are not unrolled into states but counted: the position in such a
// lexeme is a state and a number of characters. The limits are not part of it, so that strings with
// different limits share one. Immutable once made; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/work_budget.h"

namespace jevons {

struct CountLimits {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::uint32_t min = 0, max = kNone;
  bool operator==(const CountLimits&) const = default;
};

struct Lexeme {
  static constexpr std::uint32_t kDead = 0, kStart = 1;

  struct Position {
    std::uint32_t state = kStart, count = 0;
    bool operator==(const Position&) const = default;
  };

  std::array<std::uint8_t, 256> byte_class{};
  std::size_t n_classes = 1;
  std::vector<std::uint32_t> next;      // [n_states][n_classes]; 0: dead
  std::vector<std::uint8_t> accepting;  // [n_states]: the lexeme may end here
  std::vector<std::uint8_t> has_next;   // [n_states]: it may go on

  /// How many characters may be added from a state until the lexeme ends.
  struct Room {
    static constexpr std::uint16_t kNever = 0xFFFF;
    std::uint16_t open = kNever;  // so many, and any larger number
    // Characters read that belong to the text unless they turn out to be the closing tag: none is
    // added if they do (may_close), exactly these if the tag begins after them (may_restart).
    std::uint8_t pending = 0;
    bool may_close = false, may_restart = false;
  };

  // Counted lexemes only. `increments` has the shape of `next`: characters that a byte adds.
  std::vector<std::uint8_t> increments;
  std::vector<Room> rooms;  // [n_states]

  /// Masks of its states are worth keeping: nearly every token may come.
  bool is_text = false;

  [[nodiscard]] std::size_t n_states() const { return accepting.size(); }
  [[nodiscard]] bool is_counted() const { return !increments.empty(); }

  /// Whether `state` after `count` characters is within the limits and can be completed within
  /// them. Always true where nothing is counted.
  [[nodiscard]] bool allows(std::uint32_t state, std::uint64_t count, CountLimits limits) const;

  /// The position after `byte`; state kDead if there is none.
  [[nodiscard]] Position step(Position at, std::uint8_t byte, CountLimits limits) const {
    const std::size_t edge = at.state * n_classes + byte_class[byte];
    const std::uint32_t to = next[edge];
    if (!is_counted() || to == kDead) return {to, 0};
    return counted(to, std::uint64_t{at.count} + increments[edge], limits);
  }

  [[nodiscard]] bool accepts(std::string_view bytes, CountLimits limits = {}) const;

 private:
  [[nodiscard]] Position counted(std::uint32_t state, std::uint64_t count,
                                 CountLimits limits) const;
};

/// Collects states and edges in any order. Edges of one state must not overlap.
class LexemeBuilder {
 public:
  /// State 1 is there already: the start.
  LexemeBuilder() : states_(2) {}

  std::uint32_t add_state(bool is_accepting = false);
  void set_accepting(std::uint32_t state) { states_[state].is_accepting = true; }
  /// For counted lexemes, of at least one state on every way; the others follow from these.
  void set_room(std::uint32_t state, Lexeme::Room room) { states_[state].room = room; }
  void edge(std::uint32_t from, std::uint8_t first, std::uint8_t last, std::uint32_t to,
            std::uint8_t increment = 0);
  /// `literal`'s bytes from `from` to `to`, through new states.
  void literal(std::uint32_t from, std::string_view literal, std::uint32_t to);
  [[nodiscard]] std::size_t n_states() const { return states_.size(); }

  /// Takes what does not contain `forbidden` (ASCII, its first byte nowhere else in it).
  void forbid(std::string_view forbidden);

  /// Without what leads nowhere. Errors: over the budget; nothing is accepted.
  [[nodiscard]] Result<Lexeme> finish(bool is_counted, WorkBudget& budget);

 private:
  struct Edge {
    std::uint8_t first, last, increment;
    std::uint32_t to;
  };
  struct State {
    std::vector<Edge> edges;
    bool is_accepting = false;
    Lexeme::Room room{};
  };
  [[nodiscard]] std::vector<std::uint32_t> alive_numbers() const;
  void find_rooms();

  std::vector<State> states_;
};

}  // namespace jevons
