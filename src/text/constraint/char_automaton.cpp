#include "text/constraint/char_automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

namespace jevons {
namespace {

std::uint64_t pair_key(std::uint32_t a, std::uint32_t b) { return std::uint64_t{a} << 32 | b; }

/// Numbers pairs of states in the order in which they are first met; 0 and 1 as in CharDfa.
class PairStates {
 public:
  PairStates() : pairs_(1) {}

  std::uint32_t id(std::uint32_t a, std::uint32_t b) {
    const auto [place, is_new] =
        ids_.try_emplace(pair_key(a, b), static_cast<std::uint32_t>(pairs_.size()));
    if (is_new) pairs_.emplace_back(a, b);
    return place->second;
  }
  [[nodiscard]] std::size_t size() const { return pairs_.size(); }
  [[nodiscard]] std::pair<std::uint32_t, std::uint32_t> operator[](std::size_t i) const {
    return pairs_[i];
  }

 private:
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs_;
  std::unordered_map<std::uint64_t, std::uint32_t> ids_;
};

void add_state(CharDfa& dfa, bool is_accepting) {
  dfa.accepting.push_back(is_accepting ? 1 : 0);
  dfa.next.resize(dfa.next.size() + dfa.n_classes(), CharDfa::kDead);
}

enum class Combine { kBoth, kEither };

/// All pairs of states that the two reach together.
Result<CharDfa> product(const CharDfa& a, const CharDfa& b, Combine combine, WorkBudget& budget) {
  CharDfa dfa;
  dfa.class_begins.clear();
  std::set_union(a.class_begins.begin(), a.class_begins.end(), b.class_begins.begin(),
                 b.class_begins.end(), std::back_inserter(dfa.class_begins));
  const std::size_t n_classes = dfa.n_classes();
  std::vector<std::size_t> a_class(n_classes);
  std::vector<std::size_t> b_class(n_classes);
  for (std::size_t i = 0; i < n_classes; ++i) {
    a_class[i] = a.class_of(dfa.class_begins[i]);
    b_class[i] = b.class_of(dfa.class_begins[i]);
  }
  const bool needs_both = combine == Combine::kBoth;
  PairStates pairs;
  pairs.id(CharDfa::kStart, CharDfa::kStart);
  add_state(dfa, false);
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    JEVONS_TRY(budget.spend(n_classes));
    const auto [in_a, in_b] = pairs[i];
    const int n_accepting = a.accepting[in_a] + b.accepting[in_b];
    add_state(dfa, n_accepting >= (needs_both ? 2 : 1));
    for (std::size_t c = 0; c < n_classes; ++c) {
      const std::uint32_t to_a = a.to(in_a, a_class[c]);
      const std::uint32_t to_b = b.to(in_b, b_class[c]);
      const int n_alive = (to_a != CharDfa::kDead ? 1 : 0) + (to_b != CharDfa::kDead ? 1 : 0);
      if (n_alive >= (needs_both ? 2 : 1)) dfa.next[i * n_classes + c] = pairs.id(to_a, to_b);
    }
  }
  remove_dead_states(dfa);
  return dfa;
}

}  // namespace

std::size_t CharDfa::class_of(char32_t c) const {
  const auto after = std::upper_bound(class_begins.begin(), class_begins.end(), c);
  return static_cast<std::size_t>(after - class_begins.begin()) - 1;
}

bool CharDfa::accepts(std::string_view text) const {
  if (is_empty()) return false;
  std::uint32_t state = kStart;
  for (const char32_t c : code_points(text)) state = step(state, c);
  return accepting[state] != 0;
}

CharDfa repeat_of(const CodePointSet& set) {
  CharDfa dfa;
  for (const CodePointRange& range : set.ranges()) {
    if (range.first > dfa.class_begins.back()) dfa.class_begins.push_back(range.first);
    if (range.last < kLastCodePoint) dfa.class_begins.push_back(range.last + 1);
  }
  add_state(dfa, false);
  add_state(dfa, true);
  for (std::size_t i = 0; i < dfa.n_classes(); ++i) {
    if (set.contains(dfa.class_begins[i])) dfa.next[dfa.n_classes() + i] = CharDfa::kStart;
  }
  return dfa;
}

Result<CharDfa> one_of(std::span<const std::string> texts, WorkBudget& budget) {
  std::vector<std::map<char32_t, std::uint32_t>> children(2);
  std::vector<std::uint8_t> accepting = {0, 0};
  CodePointSet used;
  for (const std::string& text : texts) {
    std::uint32_t at = CharDfa::kStart;
    for (const char32_t c : code_points(text)) {
      const auto fresh = static_cast<std::uint32_t>(children.size());
      const auto [place, is_new] = children[at].try_emplace(c, fresh);
      at = place->second;
      if (!is_new) continue;
      children.emplace_back();
      accepting.push_back(0);
      used.add(c, c);
    }
    accepting[at] = 1;
  }
  std::vector<char32_t> begins = {0};
  for (const CodePointRange& range : used.ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      if (c > begins.back()) begins.push_back(c);
    }
    begins.push_back(range.last + 1);
  }
  JEVONS_TRY(budget.spend(children.size() * begins.size()));
  CharDfa dfa;
  dfa.class_begins = std::move(begins);
  dfa.accepting = std::move(accepting);
  dfa.next.assign(children.size() * dfa.n_classes(), CharDfa::kDead);
  for (std::size_t state = 0; state < children.size(); ++state) {
    for (const auto& [c, to] : children[state]) {
      dfa.next[state * dfa.n_classes() + dfa.class_of(c)] = to;
    }
  }
  remove_dead_states(dfa);
  return dfa;
}

Result<CharDfa> intersection(const CharDfa& a, const CharDfa& b, WorkBudget& budget) {
  if (a.is_empty() || b.is_empty()) return CharDfa{};
  return product(a, b, Combine::kBoth, budget);
}

Result<CharDfa> either(const CharDfa& a, const CharDfa& b, WorkBudget& budget) {
  if (a.is_empty()) return b;
  if (b.is_empty()) return a;
  return product(a, b, Combine::kEither, budget);
}

CharDfa complement(const CharDfa& a) {
  if (a.is_empty()) return repeat_of(CodePointSet::any());
  CharDfa dfa = a;
  // The dead state becomes one where everything is accepted.
  const auto sink = static_cast<std::uint32_t>(dfa.n_states());
  add_state(dfa, false);
  for (std::size_t i = dfa.n_classes(); i < dfa.next.size(); ++i) {
    if (dfa.next[i] == CharDfa::kDead) dfa.next[i] = sink;
  }
  for (std::size_t state = 1; state < dfa.n_states(); ++state) dfa.accepting[state] ^= 1;
  remove_dead_states(dfa);
  return dfa;
}

Result<CharDfa> with_length(const CharDfa& a, std::uint32_t min, std::uint32_t max,
                            WorkBudget& budget) {
  if (a.is_empty() || (min == 0 && max == kNoLengthLimit)) return a;
  CharDfa dfa;
  if (min > max) return dfa;
  dfa.class_begins = a.class_begins;
  const std::size_t n_classes = dfa.n_classes();
  PairStates pairs;
  pairs.id(CharDfa::kStart, 0);
  add_state(dfa, false);
  for (std::size_t i = 1; i < pairs.size(); ++i) {
    JEVONS_TRY(budget.spend(n_classes));
    const auto [state, n] = pairs[i];
    add_state(dfa, a.accepting[state] != 0 && n >= min);
    if (n == max) continue;
    // Without an upper limit, lengths past the lower one are all the same.
    const std::uint32_t n_after = max == kNoLengthLimit ? std::min(n + 1, min) : n + 1;
    for (std::size_t c = 0; c < n_classes; ++c) {
      const std::uint32_t to = a.to(state, c);
      if (to != CharDfa::kDead) dfa.next[i * n_classes + c] = pairs.id(to, n_after);
    }
  }
  remove_dead_states(dfa);
  return dfa;
}

void remove_dead_states(CharDfa& dfa) {
  const std::size_t n = dfa.n_states();
  const std::size_t n_classes = dfa.n_classes();
  // Edges backwards, as one array with a range for each target.
  std::vector<std::uint32_t> first(n + 1, 0);
  for (const std::uint32_t to : dfa.next) ++first[to];
  std::uint32_t sum = 0;
  for (std::uint32_t& count : first) sum += std::exchange(count, sum);
  std::vector<std::uint32_t> sources(dfa.next.size());
  std::vector<std::uint32_t> fill(first.begin(), first.end() - 1);
  for (std::size_t i = 0; i < dfa.next.size(); ++i) {
    sources[fill[dfa.next[i]]++] = static_cast<std::uint32_t>(i / n_classes);
  }
  std::vector<std::uint8_t> alive(n, 0);
  std::vector<std::uint32_t> open;
  for (std::uint32_t state = 1; state < n; ++state) {
    if (dfa.accepting[state] == 0) continue;
    alive[state] = 1;
    open.push_back(state);
  }
  while (!open.empty()) {
    const std::uint32_t to = open.back();
    open.pop_back();
    for (std::uint32_t i = first[to]; i < first[to + 1]; ++i) {
      if (sources[i] == CharDfa::kDead || alive[sources[i]] != 0) continue;
      alive[sources[i]] = 1;
      open.push_back(sources[i]);
    }
  }
  if (n < 2 || alive[CharDfa::kStart] == 0) {
    dfa = CharDfa{};
    return;
  }
  std::vector<std::uint32_t> renamed(n, CharDfa::kDead);
  std::uint32_t n_alive = 1;
  for (std::uint32_t state = 1; state < n; ++state) {
    if (alive[state] != 0) renamed[state] = n_alive++;
  }
  for (std::uint32_t state = 1; state < n; ++state) {
    if (alive[state] == 0) continue;
    dfa.accepting[renamed[state]] = dfa.accepting[state];
    for (std::size_t c = 0; c < n_classes; ++c) {
      dfa.next[renamed[state] * n_classes + c] = renamed[dfa.next[state * n_classes + c]];
    }
  }
  dfa.accepting.resize(n_alive);
  dfa.next.resize(n_alive * n_classes);
}

}  // namespace jevons
