// Readings of a grammar, the calls open around them, and sets of readings, each kept once and
// known by a number. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "text/constraint/grammar.h"

namespace jevons {

using StackId = std::uint32_t;
inline constexpr StackId kEmptyStack = 0;

/// A place where something can be written.
struct Reading {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  std::uint32_t piece = kNone;  // its number; none: `state` is of the grammar
  std::uint32_t state = 0, count = 0;
  StackId stack = kEmptyStack;

  [[nodiscard]] bool is_in_piece() const { return piece != kNone; }
  bool operator==(const Reading&) const = default;
  auto operator<=>(const Reading&) const = default;
};

class ReadingSets {
 public:
  using SetId = std::uint32_t;

  explicit ReadingSets(const Grammar& grammar);

  struct Set {
    std::vector<Reading> readings;  // sorted
    bool may_end = false;           // everything is written
  };
  /// Valid until the next set is made.
  [[nodiscard]] const Set& operator[](SetId id) const { return sets_[id]; }
  [[nodiscard]] std::size_t n_sets() const { return sets_.size(); }
  [[nodiscard]] std::size_t n_stacks() const { return stacks_.size(); }

  // A set is made in one go: begin(), any number of reach...(), finish().
  void begin();
  /// Readings of a rule that is called with `stack` open.
  void reach_rule(Grammar::RuleId rule, StackId stack);
  void reach(const Reading& reading);
  /// What comes after the call on top of `stack`.
  void reach_return(StackId stack);
  [[nodiscard]] SetId finish();
  /// The set of exactly these readings, which were reached before.
  [[nodiscard]] SetId of(std::vector<Reading> readings, bool may_end);

  /// The stack of another ReadingSets of the same grammar, here.
  [[nodiscard]] StackId import_stack(const ReadingSets& from, StackId stack);

 private:
  struct Stack {
    Grammar::StateId back;
    StackId parent;
    std::uint16_t depth;
  };
  struct ReadingHash {
    std::size_t operator()(const Reading& reading) const;
  };

  void follow();
  void add(const Reading& reading);
  void expand(const Reading& reading);
  void call(const Grammar::Call& call, StackId stack);
  [[nodiscard]] StackId push(Grammar::StateId back, StackId parent);

  const Grammar& grammar_;
  std::vector<Set> sets_;
  std::unordered_multimap<std::uint64_t, SetId> set_ids_;  // by hash
  std::vector<Stack> stacks_;
  std::unordered_map<std::uint64_t, StackId> stack_ids_;  // back << 32 | parent

  // Of the set that is being made.
  Set current_;
  std::vector<Reading> open_;
  std::vector<std::uint32_t> seen_slots_;  // hash table: index into seen_ + 1, 0 for none
  std::vector<Reading> seen_;
};

}  // namespace jevons
