// What may be written, as rules that call each other: states with edges over bytes and special
// tokens, calls of other rules, and lexemes for what is regular. Nondeterministic; the
// automaton (grammar_automaton.h) follows all readings at once. Immutable once made; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/lexeme.h"

namespace jevons {

struct Grammar {
  using StateId = std::uint32_t;
  using RuleId = std::uint32_t;

  struct ByteEdge {
    std::uint8_t first, last;
    StateId to;
  };
  struct TokenEdge {
    std::int32_t token;
    StateId to;
  };
  struct Call {
    RuleId rule;
    StateId back;  // where to go on after it
  };
  struct State {
    std::vector<ByteEdge> bytes{};
    std::vector<TokenEdge> tokens{};
    std::vector<Call> calls{};
    std::vector<StateId> jumps{};  // without writing anything
    bool is_end = false;           // the rule may end here
    bool is_only_end = false;      // and does
    /// Calls that must be open at once, at the least, to get from here to the end of the rule.
    std::uint16_t depth_needed = 0;
  };
  struct Piece {
    std::shared_ptr<const Lexeme> lexeme;
    CountLimits limits{};
    bool operator==(const Piece&) const = default;
  };
  struct Rule {
    bool is_piece;
    std::uint32_t index;  // of the piece, or the state in which the rule begins
  };

  /// Calls open at once. A JSON value nests about as deep.
  static constexpr std::uint16_t kMaxDepth = 100;

  std::vector<State> states;
  std::vector<Rule> rules;
  std::vector<Piece> pieces;
  RuleId root = 0;
};

class GrammarBuilder {
 public:
  using StateId = Grammar::StateId;
  using RuleId = Grammar::RuleId;

  /// States and edges are limited; past the limit nothing is added and finish() is an error.
  explicit GrammarBuilder(std::size_t max_size) : max_size_(max_size), states_(1) {}

  /// State 0 is there already and leads nowhere.
  [[nodiscard]] StateId add_state(bool is_end = false);
  void set_end(StateId state) { states_[state].is_end = true; }
  void byte(StateId from, std::uint8_t first, std::uint8_t last, StateId to);
  void token(StateId from, std::int32_t token, StateId to);
  void jump(StateId from, StateId to);
  void call(StateId from, RuleId rule, StateId back);

  /// Writes `text` and returns the state after it.
  [[nodiscard]] StateId literal(StateId from, std::string_view text);
  /// Calls `rule` and returns the state after it.
  [[nodiscard]] StateId after_call(StateId from, RuleId rule);

  [[nodiscard]] RuleId add_rule(StateId begin);
  /// A rule whose beginning is made later: add_rule() for rules that call themselves.
  void set_rule(RuleId rule, StateId begin) { rules_[rule] = {false, begin}; }
  [[nodiscard]] RuleId add_piece(Grammar::Piece piece);

  [[nodiscard]] bool is_full() const { return size_ > max_size_; }

  /// Which rules something can be written for, within the limit of depth. [rule]
  [[nodiscard]] std::vector<bool> possible_rules();

  /// Without what leads nowhere. Errors: too large; nothing can be written, or only values that
  /// nest deeper than the limit.
  [[nodiscard]] Result<Grammar> finish(RuleId root);

 private:
  void find_depths();
  [[nodiscard]] std::uint32_t depth_of_rule(const Grammar::Rule& rule) const;
  [[nodiscard]] bool leads_somewhere(StateId state) const { return depths_[state] != kNowhere; }

  static constexpr std::uint32_t kNowhere = 0xFFFFFFFF;

  std::size_t max_size_;
  std::size_t size_ = 0;
  std::vector<Grammar::State> states_;
  std::vector<Grammar::Rule> rules_;
  std::vector<Grammar::Piece> pieces_;
  std::vector<RuleId> piece_rules_;    // of each piece
  std::vector<std::uint32_t> depths_;  // [n_states] while finishing
};

}  // namespace jevons
