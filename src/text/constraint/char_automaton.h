// Deterministic automata over characters: what a string's value may be, before anything is said of
// how it is written down. Plain data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/code_point_set.h"
#include "text/constraint/regex_syntax.h"
#include "text/constraint/work_budget.h"

namespace jevons {

/// State 0 is dead, state 1 the start. Every other state is alive: something accepted follows.
struct CharDfa {
  static constexpr std::uint32_t kDead = 0, kStart = 1;

  std::vector<char32_t> class_begins = {0};  // class i is [class_begins[i], class_begins[i + 1])
  std::vector<std::uint32_t> next;           // [n_states][n_classes]
  std::vector<std::uint8_t> accepting;       // [n_states]

  [[nodiscard]] std::size_t n_states() const { return accepting.size(); }
  [[nodiscard]] std::size_t n_classes() const { return class_begins.size(); }
  [[nodiscard]] std::size_t class_of(char32_t c) const;
  [[nodiscard]] char32_t class_end(std::size_t i) const {
    return i + 1 < class_begins.size() ? class_begins[i + 1] : kLastCodePoint + 1;
  }
  [[nodiscard]] std::uint32_t to(std::uint32_t state, std::size_t char_class) const {
    return next[state * n_classes() + char_class];
  }
  [[nodiscard]] std::uint32_t step(std::uint32_t state, char32_t c) const {
    return to(state, class_of(c));
  }
  [[nodiscard]] bool is_empty() const { return n_states() < 2; }
  /// `text` is UTF-8.
  [[nodiscard]] bool accepts(std::string_view text) const;
};

/// Any number of characters of `set`.
[[nodiscard]] CharDfa repeat_of(const CodePointSet& set);

/// Texts in which the pattern is found. Error: over the budget.
[[nodiscard]] Result<CharDfa> compile_pattern(const RegexNode& pattern, WorkBudget& budget);

/// Exactly these texts.
[[nodiscard]] Result<CharDfa> one_of(std::span<const std::string> texts, WorkBudget& budget);

[[nodiscard]] Result<CharDfa> intersection(const CharDfa& a, const CharDfa& b, WorkBudget& budget);
[[nodiscard]] Result<CharDfa> either(const CharDfa& a, const CharDfa& b, WorkBudget& budget);
[[nodiscard]] CharDfa complement(const CharDfa& a);

inline constexpr std::uint32_t kNoLengthLimit = 0xFFFFFFFF;

/// The texts of `a` with `min` to `max` characters.
[[nodiscard]] Result<CharDfa> with_length(const CharDfa& a, std::uint32_t min, std::uint32_t max,
                                          WorkBudget& budget);

/// Removes what leads nowhere; the start alone if nothing is accepted (is_empty() then).
void remove_dead_states(CharDfa& dfa);

}  // namespace jevons
