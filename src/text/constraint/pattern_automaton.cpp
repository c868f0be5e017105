// compile_pattern(): syntax tree to a nondeterministic automaton (Thompson), then to sets of
// states.
//
// The search for a match anywhere is a loop before the pattern and one after it. ^ can be passed
// only before the first character; $ is passed only to ask whether the text may end here.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "text/constraint/char_automaton.h"

namespace jevons {
namespace {

using Kind = RegexNode::Kind;
using StateId = std::uint32_t;
using StateSet = std::vector<StateId>;

struct NfaState {
  enum class Kind : std::uint8_t { kJump, kSet, kTextBegin, kTextEnd, kFound };
  Kind kind = Kind::kJump;
  std::uint32_t set = 0;  // kSet: its number
  StateSet to{};          // kJump: any number, kFound: none, others: one
};

class NfaBuilder {
 public:
  explicit NfaBuilder(WorkBudget& budget) : budget_(budget) {}

  /// The state before the search's loop.
  Result<StateId> build(const RegexNode& pattern) {
    JEVONS_ASSIGN(const StateId begin, add({}));
    JEVONS_ASSIGN(const StateId found, add({.kind = NfaState::Kind::kFound}));
    JEVONS_ASSIGN(const StateId loop, add_set(CodePointSet::any(), begin));
    JEVONS_ASSIGN(const StateId inside, node(pattern, found));
    states[begin].to = {loop, inside};
    return begin;
  }

  std::vector<NfaState> states;
  std::vector<CodePointSet> sets;

 private:
  /// The state from which a text of `node` leads to `then`.
  Result<StateId> node(const RegexNode& node, StateId then) {
    switch (node.kind) {
      case Kind::kSet:
        return add_set(node.set, then);
      case Kind::kTextBegin:
        return add({.kind = NfaState::Kind::kTextBegin, .to = {then}});
      case Kind::kTextEnd:
        return add({.kind = NfaState::Kind::kTextEnd, .to = {then}});
      case Kind::kSequence:
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
          JEVONS_ASSIGN(then, this->node(*child, then));
        }
        return then;
      case Kind::kChoice: {
        NfaState choice;
        for (const RegexNode& child : node.children) {
          JEVONS_ASSIGN(const StateId begin, this->node(child, then));
          choice.to.push_back(begin);
        }
        return add(std::move(choice));
      }
      case Kind::kRepeat:
        return repeat(node, then);
    }
    return then;
  }

  /// x{2,4} is x x (x (x)?)?; each optional part can jump straight to the end.
  Result<StateId> repeat(const RegexNode& node, StateId then) {
    const RegexNode& inside = node.children.front();
    StateId begin = then;
    if (node.max == RegexNode::kNoLimit) {
      JEVONS_ASSIGN(begin, add({}));
      JEVONS_ASSIGN(const StateId again, this->node(inside, begin));
      states[begin].to = {again, then};
    } else {
      for (int i = node.min; i < node.max; ++i) {
        JEVONS_ASSIGN(const StateId once, this->node(inside, begin));
        JEVONS_ASSIGN(begin, add({.to = {once, then}}));
      }
    }
    for (int i = 0; i < node.min; ++i) {
      JEVONS_ASSIGN(begin, this->node(inside, begin));
    }
    return begin;
  }

  Result<StateId> add_set(const CodePointSet& set, StateId then) {
    const auto known = std::find(sets.begin(), sets.end(), set);
    const auto number = static_cast<std::uint32_t>(known - sets.begin());
    if (known == sets.end()) sets.push_back(set);
    return add({.kind = NfaState::Kind::kSet, .set = number, .to = {then}});
  }

  Result<StateId> add(NfaState state) {
    JEVONS_TRY(budget_.spend(1 + state.to.size() + sets.size() / 4));
    states.push_back(std::move(state));
    return static_cast<StateId>(states.size() - 1);
  }

  WorkBudget& budget_;
};

struct SetHash {
  std::size_t operator()(const StateSet& set) const {
    std::uint64_t hash = 0xcbf29ce484222325ULL;
    for (const StateId id : set) hash = (hash ^ id) * 0x100000001b3ULL;
    return static_cast<std::size_t>(hash ^ hash >> 29);
  }
};

class Determiniser {
 public:
  Determiniser(const NfaBuilder& nfa, WorkBudget& budget)
      : nfa_(nfa), budget_(budget), seen_(nfa.states.size(), 0) {
    std::vector<char32_t>& begins = dfa_.class_begins;
    for (const CodePointSet& set : nfa.sets) {
      for (const CodePointRange& range : set.ranges()) {
        begins.push_back(range.first);
        if (range.last < kLastCodePoint) begins.push_back(range.last + 1);
      }
    }
    std::sort(begins.begin(), begins.end());
    begins.erase(std::unique(begins.begin(), begins.end()), begins.end());
    has_.assign(nfa.sets.size() * begins.size(), 0);
    for (std::size_t set = 0; set < nfa.sets.size(); ++set) {
      for (std::size_t c = 0; c < begins.size(); ++c) {
        has_[set * begins.size() + c] = nfa.sets[set].contains(begins[c]) ? 1 : 0;
      }
    }
  }

  Result<CharDfa> run(StateId begin) {
    const std::size_t n_classes = dfa_.n_classes();
    add_row(false);
    // The start is a state of its own: only there has ^ been passed.
    sets_ = {{}, closure({begin}, true)};
    for (std::size_t i = 1; i < sets_.size(); ++i) {
      const StateSet set = sets_[i];
      add_row(may_end(set, i == 1));
      for (std::size_t c = 0; c < n_classes; ++c) {
        JEVONS_TRY(budget_.spend(1 + set.size()));
        StateSet targets;
        for (const StateId id : set) {
          const NfaState& state = nfa_.states[id];
          if (state.kind == NfaState::Kind::kFound) {
            targets = {id};
            break;
          }
          if (state.kind == NfaState::Kind::kSet && has_[state.set * n_classes + c] != 0) {
            targets.push_back(state.to.front());
          }
        }
        if (targets.empty()) continue;
        StateSet after = closure(std::move(targets), false);
        JEVONS_TRY(budget_.spend(after.size()));
        dfa_.next[i * n_classes + c] = number_of(std::move(after));
      }
    }
    remove_dead_states(dfa_);
    return std::move(dfa_);
  }

 private:
  void add_row(bool is_accepting) {
    dfa_.accepting.push_back(is_accepting ? 1 : 0);
    dfa_.next.resize(dfa_.next.size() + dfa_.n_classes(), CharDfa::kDead);
  }

  std::uint32_t number_of(StateSet set) {
    const auto [place, is_new] =
        numbers_.try_emplace(set, static_cast<std::uint32_t>(sets_.size()));
    if (is_new) sets_.push_back(std::move(set));
    return place->second;
  }

  /// All states reached without a character, sorted. Once the pattern has been found nothing else
  /// matters, so that state stands alone.
  StateSet closure(StateSet open, bool at_begin) {
    ++round_;
    StateSet set;
    while (!open.empty()) {
      const StateId id = open.back();
      open.pop_back();
      if (std::exchange(seen_[id], round_) == round_) continue;
      const NfaState& state = nfa_.states[id];
      switch (state.kind) {
        case NfaState::Kind::kFound:
          return {id};
        case NfaState::Kind::kJump:
          open.insert(open.end(), state.to.begin(), state.to.end());
          break;
        case NfaState::Kind::kTextBegin:
          if (at_begin) open.push_back(state.to.front());
          break;
        case NfaState::Kind::kSet:
        case NfaState::Kind::kTextEnd:
          set.push_back(id);
          break;
      }
    }
    std::sort(set.begin(), set.end());
    return set;
  }

  bool may_end(const StateSet& set, bool at_begin) {
    StateSet open = set;
    ++round_;
    while (!open.empty()) {
      const StateId id = open.back();
      open.pop_back();
      if (std::exchange(seen_[id], round_) == round_) continue;
      const NfaState& state = nfa_.states[id];
      if (state.kind == NfaState::Kind::kFound) return true;
      if (state.kind == NfaState::Kind::kSet) continue;
      if (state.kind == NfaState::Kind::kTextBegin && !at_begin) continue;
      open.insert(open.end(), state.to.begin(), state.to.end());
    }
    return false;
  }

  const NfaBuilder& nfa_;
  WorkBudget& budget_;
  CharDfa dfa_;
  std::vector<std::uint8_t> has_;  // [n_sets][n_classes]
  std::vector<StateSet> sets_;
  std::unordered_map<StateSet, std::uint32_t, SetHash> numbers_;
  std::vector<std::uint32_t> seen_;  // [n_nfa_states]: the last round that met it
  std::uint32_t round_ = 0;
};

}  // namespace

Result<CharDfa> compile_pattern(const RegexNode& pattern, WorkBudget& budget) {
  NfaBuilder nfa(budget);
  JEVONS_ASSIGN(const StateId begin, nfa.build(pattern));
  JEVONS_TRY(budget.spend(nfa.sets.size() * 8));
  return Determiniser(nfa, budget).run(begin);
}

}  // namespace jevons
