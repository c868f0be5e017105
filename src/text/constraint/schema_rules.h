// Schemas as rules of a grammar: JSON values in the order and spacing that constraints allow
// (docs/SCHEMA.md). Rules are made one after the other from a queue, so that schemas that refer to
// themselves, or nest deep, need no recursion here. One thread.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/constraint/grammar.h"
#include "text/constraint/schema_shape.h"
#include "text/constraint/standard_lexemes.h"
#include "text/constraint/work_budget.h"

namespace jevons {

class SchemaRules {
 public:
  using StateId = Grammar::StateId;
  using RuleId = Grammar::RuleId;

  SchemaRules(GrammarBuilder& grammar, SchemaReader& reader, const StandardLexemes& lexemes,
              Dialect dialect, WorkBudget& budget)
      : grammar_(grammar), reader_(reader), lexemes_(lexemes), dialect_(dialect), budget_(budget) {}

  /// The rule for values that satisfy all of `nodes`; made by make_pending().
  [[nodiscard]] RuleId value(const SchemaList& nodes);
  [[nodiscard]] RuleId any_value();
  [[nodiscard]] RuleId any_object();

  /// Makes every rule that was asked for and is not there yet.
  [[nodiscard]] Result<void> make_pending();

  /// Lets `from` lead to `to` by values of one shape whose kind is among `kinds`. `nodes`: what the
  /// shape was made from.
  [[nodiscard]] Result<void> add_shape(const Shape& shape, const SchemaList& nodes,
                                       std::uint8_t kinds, StateId from, StateId to);

  /// The strings of a shape; absent: there are none.
  [[nodiscard]] Result<std::optional<TextLanguage>> strings(const Shape& shape);
  /// The values of enum and const that satisfy everything else too.
  [[nodiscard]] Result<std::vector<const JsonValue*>> choices(const Shape& shape,
                                                              const SchemaList& nodes);

  /// Optional space: the state after it.
  [[nodiscard]] StateId after_space(StateId from);
  void call_lexeme(StateId from, Lexeme lexeme, CountLimits limits, StateId to);

 private:
  class ObjectWriter;

  [[nodiscard]] RuleId piece(const std::shared_ptr<const Lexeme>& lexeme, CountLimits limits = {});
  [[nodiscard]] Result<void> make(RuleId rule, const SchemaList& nodes);
  [[nodiscard]] Result<void> add_choices(const Shape& shape, const SchemaList& nodes,
                                         std::uint8_t kinds, StateId from, StateId to);
  void add_constant(const JsonValue& value, StateId from, StateId to);
  [[nodiscard]] Result<void> add_numbers(const Shape& shape, StateId from, StateId to);
  [[nodiscard]] Result<void> add_strings(const Shape& shape, StateId from, StateId to);
  [[nodiscard]] Result<void> add_array(const Shape& shape, StateId from, StateId to);
  [[nodiscard]] Result<void> add_object(const Shape& shape, StateId from, StateId to);
  [[nodiscard]] Result<CharDfa> pattern(const Shape::Pattern& pattern);
  /// Text as it stands in a JSON string.
  [[nodiscard]] std::string spelled(std::string_view text) const;

  GrammarBuilder& grammar_;
  SchemaReader& reader_;
  const StandardLexemes& lexemes_;
  Dialect dialect_;
  WorkBudget& budget_;
  std::map<std::vector<const JsonValue*>, RuleId> rules_;
  std::deque<std::pair<RuleId, SchemaList>> pending_;
  std::map<std::string, CharDfa> patterns_;
  std::map<std::string, std::optional<RuleId>> text_rules_;  // of strings and numbers; or none fits
  std::optional<RuleId> any_value_, any_object_;
};

}  // namespace jevons
