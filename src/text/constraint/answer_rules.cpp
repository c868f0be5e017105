#include "text/constraint/answer_rules.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "text/constraint/schema_limits.h"
#include "text/constraint/schema_rules.h"

namespace jevons {
namespace {

constexpr int kMaxLineBreaks = 3;  // before the value

/// Line breaks that a model writes after its reasoning, then the value.
Grammar::RuleId answer_rule(GrammarBuilder& grammar, Grammar::RuleId value) {
  const auto begin = grammar.add_state();
  const auto end = grammar.add_state(true);
  auto line = begin;
  for (int i = 0; i <= kMaxLineBreaks; ++i) {
    grammar.call(line, value, end);
    if (i < kMaxLineBreaks) line = grammar.literal(line, "\n");
  }
  return grammar.add_rule(begin);
}

}  // namespace

Result<Grammar> make_schema_grammar(std::string_view schema_json, Unsupported unsupported,
                                    const StandardLexemes& lexemes, ConstraintReport& report,
                                    const std::stop_token& stop) {
  if (schema_json.size() > kMaxSchemaBytes) {
    return fail("the schema has {} bytes, at most {} are allowed", schema_json.size(),
                kMaxSchemaBytes);
  }
  const auto root = parse_json(schema_json);
  if (!root) return fail("the schema is {}", root.error().message);
  if (!root->is_object() && root->kind != JsonValue::Kind::kBoolean) {
    return fail("the schema is {}, expected an object", json_kind_name(root->kind));
  }
  WorkBudget budget(kSchemaWorkBudget, stop);
  SchemaReader reader(*root, unsupported, report, budget);
  GrammarBuilder grammar(kMaxGrammarSize);
  SchemaRules rules(grammar, reader, lexemes, Dialect::kJson, budget);
  const auto value = rules.value({{&*root, ""}});
  if (const auto made = rules.make_pending(); !made) {
    const bool is_whole = made.error().message.starts_with("the schema");
    return fail("{}{}", is_whole ? "" : "the schema ", made.error().message);
  }
  return grammar.finish(answer_rule(grammar, value));
}

Grammar make_object_grammar(const StandardLexemes& lexemes) {
  const JsonValue nothing;
  ConstraintReport report;
  WorkBudget budget(kSchemaWorkBudget);
  SchemaReader reader(nothing, Unsupported::kRefuse, report, budget);
  GrammarBuilder grammar(kMaxGrammarSize);
  SchemaRules rules(grammar, reader, lexemes, Dialect::kJson, budget);
  auto made = grammar.finish(answer_rule(grammar, rules.any_object()));
  JEVONS_CHECK(made.has_value());
  return std::move(*made);
}

}  // namespace jevons
