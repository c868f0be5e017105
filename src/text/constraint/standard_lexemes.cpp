#include "text/constraint/standard_lexemes.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "text/constraint/number_lexeme.h"

namespace jevons {
namespace {

constexpr std::size_t kBudget = 10'000'000;
constexpr std::size_t kMaxIndentSpaces = 80, kMaxIndentTabs = 20;

std::shared_ptr<const Lexeme> kept(Result<Lexeme> lexeme) {
  JEVONS_CHECK(lexeme.has_value());
  return std::make_shared<const Lexeme>(std::move(*lexeme));
}

Result<Lexeme> space_lexeme(WorkBudget& budget) {
  LexemeBuilder out;
  out.edge(Lexeme::kStart, ' ', ' ', out.add_state(true));
  const std::uint32_t line = out.add_state(true);
  out.edge(Lexeme::kStart, '\n', '\n', line);
  for (const auto& [byte, n] : {std::pair{' ', kMaxIndentSpaces}, {'\t', kMaxIndentTabs}}) {
    std::uint32_t at = line;
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t after = out.add_state(true);
      out.edge(at, static_cast<std::uint8_t>(byte), static_cast<std::uint8_t>(byte), after);
      at = after;
    }
  }
  return out.finish(false, budget);
}

}  // namespace

std::shared_ptr<const StandardLexemes> StandardLexemes::make() {
  WorkBudget budget(kBudget);
  const TextLanguage any = counted_text(CodePointSet::any(), 0, CountLimits::kNone);
  auto lexemes = std::make_shared<StandardLexemes>();
  lexemes->json_string = kept(json_string_lexeme(any, "", budget));
  lexemes->call_json_string = kept(json_string_lexeme(any, kValueEnd, budget));
  lexemes->raw_text = kept(raw_text_lexeme(any, kValueEnd, budget));
  lexemes->number = kept(number_lexeme({}, budget));
  lexemes->integer = kept(number_lexeme({.integers_only = true}, budget));
  const std::string constants[] = {"true", "false", "null"};
  lexemes->constants = kept(literal_lexeme(constants, budget));
  lexemes->space = kept(space_lexeme(budget));
  return lexemes;
}

}  // namespace jevons
