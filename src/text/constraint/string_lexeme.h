// How the value of a string is written down: as a JSON string with its quotes and escapes, or as
// the raw text of a parameter up to its closing tag. Any thread may call.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/constraint/char_automaton.h"
#include "text/constraint/lexeme.h"
#include "text/constraint/work_budget.h"

namespace jevons {

/// The values that a string may have.
struct TextLanguage {
  CharDfa dfa;
  /// True: limits on the number of characters come on top. They are not part of the lexeme.
  bool is_counted = false;
  CountLimits limits{};
  bool is_any = false;  // counted, and every character may come
  /// Where counted, [n_states]: from each state texts of so many characters are accepted, and of
  /// every larger number.
  std::vector<std::uint16_t> distances{};
};

/// Characters of `set`, from `min` to `max` of them.
[[nodiscard]] TextLanguage counted_text(const CodePointSet& set, std::uint32_t min,
                                        std::uint32_t max);

/// The texts of `dfa` with `min` to `max` characters: counted if from each of its states any larger
/// number of characters is possible too, else by more states. Error: over the budget.
[[nodiscard]] Result<TextLanguage> limited_text(CharDfa dfa, CountLimits limits,
                                                WorkBudget& budget);

/// "..." with any spelling of each character: itself, \n and its like, \uXXXX and surrogate pairs.
/// Large automata leave out \u for characters that need no escape. `forbidden` never occurs in the
/// bytes (empty: nothing is forbidden; else as LexemeBuilder::forbid()).
[[nodiscard]] Result<Lexeme> json_string_lexeme(const TextLanguage& values,
                                                std::string_view forbidden, WorkBudget& budget);

/// The value as it is, then `closing`, which occurs nowhere before (ASCII, its first byte nowhere
/// else in it).
[[nodiscard]] Result<Lexeme> raw_text_lexeme(const TextLanguage& values, std::string_view closing,
                                             WorkBudget& budget);

/// The values themselves, without quotes or an end mark.
[[nodiscard]] Result<Lexeme> plain_lexeme(const CharDfa& values, WorkBudget& budget);

/// Exactly these byte strings; at least one.
[[nodiscard]] Result<Lexeme> literal_lexeme(std::span<const std::string> texts, WorkBudget& budget);

}  // namespace jevons
