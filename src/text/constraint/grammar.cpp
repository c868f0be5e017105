#include "text/constraint/grammar.h"

#include <algorithm>
#include <utility>

namespace jevons {

GrammarBuilder::StateId GrammarBuilder::add_state(bool is_end) {
  if (is_full()) return 0;
  ++size_;
  states_.emplace_back();
  states_.back().is_end = is_end;
  return static_cast<StateId>(states_.size() - 1);
}

void GrammarBuilder::byte(StateId from, std::uint8_t first, std::uint8_t last, StateId to) {
  if (is_full()) return;
  ++size_;
  states_[from].bytes.push_back({first, last, to});
}

void GrammarBuilder::token(StateId from, std::int32_t token, StateId to) {
  states_[from].tokens.push_back({token, to});
}

void GrammarBuilder::jump(StateId from, StateId to) {
  if (is_full()) return;
  ++size_;
  states_[from].jumps.push_back(to);
}

void GrammarBuilder::call(StateId from, RuleId rule, StateId back) {
  if (is_full()) return;
  ++size_;
  states_[from].calls.push_back({rule, back});
}

GrammarBuilder::StateId GrammarBuilder::literal(StateId from, std::string_view text) {
  for (const char c : text) {
    const StateId to = add_state();
    const auto value = static_cast<std::uint8_t>(c);
    byte(from, value, value, to);
    from = to;
  }
  return from;
}

GrammarBuilder::StateId GrammarBuilder::after_call(StateId from, RuleId rule) {
  const StateId to = add_state();
  call(from, rule, to);
  return to;
}

GrammarBuilder::RuleId GrammarBuilder::add_rule(StateId begin) {
  rules_.push_back({false, begin});
  return static_cast<RuleId>(rules_.size() - 1);
}

GrammarBuilder::RuleId GrammarBuilder::add_piece(Grammar::Piece piece) {
  const auto known = std::find(pieces_.begin(), pieces_.end(), piece);
  const auto index = static_cast<std::uint32_t>(known - pieces_.begin());
  if (known != pieces_.end()) return piece_rules_[index];
  pieces_.push_back(std::move(piece));
  rules_.push_back({true, index});
  piece_rules_.push_back(static_cast<RuleId>(rules_.size() - 1));
  return piece_rules_.back();
}

std::uint32_t GrammarBuilder::depth_of_rule(const Grammar::Rule& rule) const {
  return rule.is_piece ? 0 : depths_[rule.index];
}

/// The least number of open calls from each state to the end of its rule, until nothing changes.
/// States are mostly made from front to back, so going backwards takes few rounds.
void GrammarBuilder::find_depths() {
  depths_.assign(states_.size(), kNowhere);
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = states_.size(); i-- > 0;) {
      const Grammar::State& state = states_[i];
      std::uint32_t depth = state.is_end ? 0 : kNowhere;
      for (const auto& edge : state.bytes) depth = std::min(depth, depths_[edge.to]);
      for (const auto& edge : state.tokens) depth = std::min(depth, depths_[edge.to]);
      for (const StateId to : state.jumps) depth = std::min(depth, depths_[to]);
      for (const auto& call : state.calls) {
        const std::uint32_t inside = depth_of_rule(rules_[call.rule]);
        if (inside == kNowhere) continue;
        depth = std::min(depth, std::max(inside + 1, depths_[call.back]));
      }
      if (depth < depths_[i]) {
        depths_[i] = depth;
        changed = true;
      }
    }
  }
}

std::vector<bool> GrammarBuilder::possible_rules() {
  find_depths();
  std::vector<bool> are_possible;
  for (const Grammar::Rule& rule : rules_) {
    are_possible.push_back(depth_of_rule(rule) < Grammar::kMaxDepth);
  }
  return are_possible;
}

Result<Grammar> GrammarBuilder::finish(RuleId root) {
  if (is_full()) return fail("the schema is too large: over {} states", max_size_);
  find_depths();
  const std::uint32_t depth = depth_of_rule(rules_[root]);
  if (depth == kNowhere) return fail("nothing satisfies the schema");
  if (depth > Grammar::kMaxDepth) {
    return fail("the schema asks for values nested deeper than {} levels", Grammar::kMaxDepth);
  }
  for (std::size_t i = 0; i < states_.size(); ++i) {
    Grammar::State& state = states_[i];
    std::erase_if(state.bytes, [&](const auto& edge) { return !leads_somewhere(edge.to); });
    std::erase_if(state.tokens, [&](const auto& edge) { return !leads_somewhere(edge.to); });
    std::erase_if(state.jumps, [&](StateId to) { return !leads_somewhere(to); });
    std::erase_if(state.calls, [&](const auto& call) {
      return !leads_somewhere(call.back) || depth_of_rule(rules_[call.rule]) == kNowhere;
    });
    state.is_only_end = state.is_end && state.bytes.empty() && state.tokens.empty() &&
                        state.jumps.empty() && state.calls.empty();
    state.depth_needed = static_cast<std::uint16_t>(std::min<std::uint32_t>(depths_[i], 0xFFFF));
  }
  Grammar grammar;
  grammar.states = std::move(states_);
  grammar.rules = std::move(rules_);
  grammar.pieces = std::move(pieces_);
  grammar.root = root;
  return grammar;
}

}  // namespace jevons
