#include "text/constraint/schema_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "text/constraint/schema_values.h"

namespace jevons {
namespace {

using Kind = JsonValue::Kind;

constexpr std::size_t kPatternBudget = 4'000'000;

bool is_always(const SchemaNode& node) {
  return (node.schema->kind == Kind::kBoolean && node.schema->boolean) ||
         (node.schema->is_object() && node.schema->keys.empty());
}

std::uint8_t kind_of(const JsonValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return ValueType::kNull;
    case Kind::kBoolean:
      return ValueType::kBoolean;
    case Kind::kNumber:
      return ValueType::kInteger | ValueType::kFraction;
    case Kind::kString:
      return ValueType::kString;
    case Kind::kArray:
      return ValueType::kArray;
    case Kind::kObject:
      return ValueType::kObject;
  }
  return 0;
}

/// `pattern` if it is ^x{m,n}$ over one set of characters: it can be counted.
std::optional<TextLanguage> as_counted(const RegexNode& pattern) {
  if (pattern.kind != RegexNode::Kind::kSequence || pattern.children.size() != 3) return {};
  const RegexNode& repeat = pattern.children[1];
  const bool has_form = pattern.children[0].kind == RegexNode::Kind::kTextBegin &&
                        pattern.children[2].kind == RegexNode::Kind::kTextEnd &&
                        repeat.kind == RegexNode::Kind::kRepeat &&
                        repeat.children[0].kind == RegexNode::Kind::kSet;
  if (!has_form || repeat.children[0].set.is_empty()) return {};
  const std::uint32_t max = repeat.max == RegexNode::kNoLimit
                                ? CountLimits::kNone
                                : static_cast<std::uint32_t>(repeat.max);
  return counted_text(repeat.children[0].set, static_cast<std::uint32_t>(repeat.min), max);
}

std::string key_of(const NumberRule& rule) {
  std::string key = fmt::format("number {} {}", rule.integers_only, rule.multiple_of);
  for (const auto& bound : {rule.lower, rule.upper}) {
    if (!bound) {
      key += " none";
      continue;
    }
    const Decimal& value = bound->value;
    key += fmt::format(" {}{}{}.{}", bound->is_exclusive ? "exclusive " : "",
                       value.is_negative ? "-" : "", value.whole, value.fraction);
  }
  return key;
}

}  // namespace

SchemaRules::RuleId SchemaRules::value(const SchemaList& nodes) {
  SchemaList limiting;
  std::vector<const JsonValue*> key;
  for (const SchemaNode& node : nodes) {
    if (is_always(node)) continue;
    limiting.push_back(node);
    key.push_back(node.schema);
  }
  if (limiting.empty()) return any_value();
  std::sort(key.begin(), key.end());
  key.erase(std::unique(key.begin(), key.end()), key.end());
  const auto [place, is_new] = rules_.try_emplace(std::move(key), 0);
  if (is_new) {
    place->second = grammar_.add_rule(0);
    pending_.emplace_back(place->second, std::move(limiting));
  }
  return place->second;
}

Result<void> SchemaRules::make_pending() {
  while (!pending_.empty()) {
    const auto [rule, nodes] = std::move(pending_.front());
    pending_.pop_front();
    JEVONS_TRY(make(rule, nodes));
    if (grammar_.is_full()) return fail("the schema is too large");
  }
  return {};
}

Result<void> SchemaRules::make(RuleId rule, const SchemaList& nodes) {
  JEVONS_ASSIGN(const std::vector<Shape> shapes, reader_.shapes(nodes));
  const StateId begin = grammar_.add_state();
  const StateId end = grammar_.add_state(true);
  for (const Shape& shape : shapes) {
    JEVONS_TRY(add_shape(shape, nodes, ValueType::kAny, begin, end));
  }
  grammar_.set_rule(rule, begin);
  return {};
}

Result<void> SchemaRules::add_shape(const Shape& shape, const SchemaList& nodes, std::uint8_t kinds,
                                    StateId from, StateId to) {
  if (shape.choices) return add_choices(shape, nodes, kinds, from, to);
  const auto allowed = static_cast<std::uint8_t>(shape.kinds & kinds);
  if ((allowed & ValueType::kNull) != 0) grammar_.jump(grammar_.literal(from, "null"), to);
  if ((allowed & ValueType::kBoolean) != 0) {
    grammar_.jump(grammar_.literal(from, "true"), to);
    grammar_.jump(grammar_.literal(from, "false"), to);
  }
  if ((allowed & ValueType::kInteger) != 0) JEVONS_TRY(add_numbers(shape, from, to));
  if ((allowed & ValueType::kString) != 0) JEVONS_TRY(add_strings(shape, from, to));
  if ((allowed & ValueType::kArray) != 0) JEVONS_TRY(add_array(shape, from, to));
  if ((allowed & ValueType::kObject) != 0) JEVONS_TRY(add_object(shape, from, to));
  return {};
}

Result<std::vector<const JsonValue*>> SchemaRules::choices(const Shape& shape,
                                                           const SchemaList& nodes) {
  std::vector<const JsonValue*> satisfying;
  for (const JsonValue* value : *shape.choices) {
    bool holds = true;
    for (const SchemaNode& node : nodes) {
      JEVONS_ASSIGN(const bool is, satisfies(*value, node, reader_, budget_));
      holds = holds && is;
    }
    if (holds) satisfying.push_back(value);
  }
  return satisfying;
}

Result<void> SchemaRules::add_choices(const Shape& shape, const SchemaList& nodes,
                                      std::uint8_t kinds, StateId from, StateId to) {
  JEVONS_ASSIGN(const auto values, choices(shape, nodes));
  std::vector<std::string> scalars;
  for (const JsonValue* value : values) {
    if ((kind_of(*value) & kinds) == 0) continue;
    if (value->is_array() || value->is_object()) {
      add_constant(*value, from, to);
    } else if (value->is_string()) {
      scalars.push_back(spelled(value->text));
    } else {
      scalars.push_back(python_json(*value));
    }
  }
  if (scalars.empty()) return {};
  JEVONS_ASSIGN(Lexeme lexeme, literal_lexeme(scalars, budget_));
  call_lexeme(from, std::move(lexeme), {}, to);
  return {};
}

void SchemaRules::add_constant(const JsonValue& value, StateId from, StateId to) {
  if (value.is_string()) {
    grammar_.jump(grammar_.literal(from, spelled(value.text)), to);
    return;
  }
  if (!value.is_array() && !value.is_object()) {
    grammar_.jump(grammar_.literal(from, python_json(value)), to);
    return;
  }
  StateId at = after_space(grammar_.literal(from, value.is_object() ? "{" : "["));
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) at = after_space(grammar_.literal(at, ","));
    if (value.is_object()) {
      at = after_space(grammar_.literal(at, spelled(value.keys[i]) + ":"));
    }
    const StateId after = grammar_.add_state();
    add_constant(value.items[i], at, after);
    at = after;
  }
  if (!value.items.empty()) at = after_space(at);
  grammar_.jump(grammar_.literal(at, value.is_object() ? "}" : "]"), to);
}

Result<void> SchemaRules::add_numbers(const Shape& shape, StateId from, StateId to) {
  NumberRule rule = shape.number;
  if (!shape.allows(ValueType::kFraction)) rule.integers_only = true;
  if (!rule.lower && !rule.upper && rule.multiple_of == 1) {
    grammar_.call(from, piece(rule.integers_only ? lexemes_.integer : lexemes_.number), to);
    return {};
  }
  const std::string key = key_of(rule);
  const auto known = text_rules_.find(key);
  if (known == text_rules_.end()) {
    WorkBudget probe = budget_.part(budget_.left());
    auto lexeme = number_lexeme(rule, probe);
    JEVONS_TRY(budget_.spend(budget_.left() - probe.left()));
    // Bounds that exclude each other leave this shape without numbers.
    std::optional<RuleId> made;
    if (lexeme) made = piece(std::make_shared<const Lexeme>(std::move(*lexeme)));
    text_rules_.emplace(key, made);
  }
  if (const auto number = text_rules_.at(key)) grammar_.call(from, *number, to);
  return {};
}

Result<CharDfa> SchemaRules::pattern(const Shape::Pattern& pattern) {
  if (const auto known = patterns_.find(pattern.regex); known != patterns_.end()) {
    return known->second;
  }
  JEVONS_ASSIGN(const RegexNode node, parse_regex(pattern.regex));
  WorkBudget limited = budget_.part(kPatternBudget);
  const std::size_t before = limited.left();
  auto dfa = compile_pattern(node, limited);
  JEVONS_TRY(budget_.spend(before - limited.left()));
  if (dfa) patterns_.emplace(pattern.regex, *dfa);
  return dfa;
}

Result<std::optional<TextLanguage>> SchemaRules::strings(const Shape& shape) {
  if (shape.min_length > shape.max_length) return std::nullopt;
  const CountLimits limits{
      shape.min_length, shape.max_length >= 1'000'000'000 ? CountLimits::kNone : shape.max_length};
  if (shape.patterns.size() == 1) {
    const auto node = parse_regex(shape.patterns[0].regex);
    if (auto counted = node ? as_counted(*node) : std::nullopt) {
      counted->limits.min = std::max(counted->limits.min, limits.min);
      counted->limits.max = std::min(counted->limits.max, limits.max);
      if (counted->limits.min > counted->limits.max) return std::nullopt;
      return counted;
    }
  }
  std::optional<CharDfa> all;
  for (const Shape::Pattern& each : shape.patterns) {
    auto dfa = pattern(each);
    if (!dfa) {
      JEVONS_TRY(reader_.unsupported(each.path, each.keyword, dfa.error().message));
      continue;
    }
    WorkBudget limited = budget_.part(kPatternBudget);
    const std::size_t before = limited.left();
    Result<CharDfa> both = all ? intersection(*all, *dfa, limited) : std::move(dfa);
    JEVONS_TRY(budget_.spend(before - limited.left()));
    if (!both) {
      JEVONS_TRY(reader_.unsupported(each.path, each.keyword, both.error().message));
      continue;
    }
    all = std::move(*both);
  }
  if (!all) return counted_text(CodePointSet::any(), limits.min, limits.max);
  WorkBudget limited = budget_.part(kPatternBudget);
  const std::size_t before = limited.left();
  auto within = limited_text(std::move(*all), limits, limited);
  JEVONS_TRY(budget_.spend(before - limited.left()));
  if (!within) {
    const Shape::Pattern& last = shape.patterns.back();
    JEVONS_TRY(reader_.unsupported(last.path, last.keyword,
                                   "it is too complex together with the length limits"));
    return counted_text(CodePointSet::any(), limits.min, limits.max);
  }
  if (within->dfa.is_empty()) return std::nullopt;
  return std::move(*within);
}

Result<void> SchemaRules::add_strings(const Shape& shape, StateId from, StateId to) {
  std::string key = fmt::format("{} {}", shape.min_length, shape.max_length);
  for (const Shape::Pattern& pattern : shape.patterns) key += '\n' + pattern.regex;
  if (const auto known = text_rules_.find(key); known != text_rules_.end()) {
    if (known->second) grammar_.call(from, *known->second, to);
    return {};
  }
  JEVONS_ASSIGN(const auto values, strings(shape));
  std::optional<RuleId> rule;
  if (values && values->is_any) {
    rule = piece(lexemes_.string(dialect_), values->limits);
  } else if (values) {
    const std::string_view forbidden = dialect_ == Dialect::kJson ? "" : kValueEnd;
    JEVONS_ASSIGN(Lexeme lexeme, json_string_lexeme(*values, forbidden, budget_));
    rule = piece(std::make_shared<const Lexeme>(std::move(lexeme)), values->limits);
  }
  text_rules_.emplace(std::move(key), rule);
  if (rule) grammar_.call(from, *rule, to);
  return {};
}

SchemaRules::StateId SchemaRules::after_space(StateId from) {
  const StateId to = grammar_.add_state();
  grammar_.jump(from, to);
  grammar_.call(from, piece(lexemes_.space), to);
  return to;
}

SchemaRules::RuleId SchemaRules::piece(const std::shared_ptr<const Lexeme>& lexeme,
                                       CountLimits limits) {
  return grammar_.add_piece({lexeme, limits});
}

void SchemaRules::call_lexeme(StateId from, Lexeme lexeme, CountLimits limits, StateId to) {
  grammar_.call(from, piece(std::make_shared<const Lexeme>(std::move(lexeme)), limits), to);
}

std::string SchemaRules::spelled(std::string_view text) const {
  std::string json = json_string(text);
  if (dialect_ == Dialect::kJson) return json;
  for (std::size_t at = 0; (at = json.find(kValueEnd, at)) != std::string::npos;) {
    json.insert(at + 1, 1, '\\');
  }
  return json;
}

}  // namespace jevons
