// The lexemes that every schema uses, made once. Immutable; any thread.
#pragma once

#include <memory>
#include <string_view>

#include "text/constraint/lexeme.h"
#include "text/constraint/string_lexeme.h"

namespace jevons {

/// Ends the value of a parameter in a tool call; never inside one.
inline constexpr std::string_view kValueEnd = "</parameter>";

/// Which text is being written: it decides how strings are spelled.
enum class Dialect {
  kJson,      // an answer that is JSON
  kCallJson,  // JSON inside a parameter of a tool call: never contains kValueEnd
};

struct StandardLexemes {
  std::shared_ptr<const Lexeme> json_string, call_json_string, raw_text;  // any text, counted
  std::shared_ptr<const Lexeme> number, integer;
  std::shared_ptr<const Lexeme> constants;  // true, false, null
  std::shared_ptr<const Lexeme> space;      // one space, or a line break and an indentation

  [[nodiscard]] static std::shared_ptr<const StandardLexemes> make();

  [[nodiscard]] const std::shared_ptr<const Lexeme>& string(Dialect dialect) const {
    return dialect == Dialect::kJson ? json_string : call_json_string;
  }
};

}  // namespace jevons
