#include "text/constraint/parameter_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "text/constraint/schema_limits.h"
#include "text/constraint/schema_rules.h"
#include "text/output_tags.h"
#include "text/tool_schema.h"

namespace jevons {
namespace {

constexpr std::uint32_t kMaxFreeNameLength = 64;
constexpr std::uint8_t kOtherThanString =
    static_cast<std::uint8_t>(ValueType::kAny & ~ValueType::kString);

/// Raw texts that the output parser reads as a value of one of `kinds`.
Result<std::optional<CharDfa>> texts_read_as(std::uint8_t kinds, WorkBudget& budget) {
  std::vector<std::string_view> parts;
  if ((kinds & (ValueType::kInteger | ValueType::kFraction)) != 0) {
    parts.push_back("^-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$");
  }
  if ((kinds & ValueType::kBoolean) != 0) parts.push_back("^(?:true|false)$");
  if ((kinds & ValueType::kNull) != 0) parts.push_back("^null$");
  if ((kinds & ValueType::kArray) != 0) parts.push_back("^[ \\t\\r\\n]*\\[");
  if ((kinds & ValueType::kObject) != 0) parts.push_back("^[ \\t\\r\\n]*\\{");
  if (parts.empty()) return std::nullopt;
  JEVONS_ASSIGN(const RegexNode node, parse_regex(fmt::format("{}", fmt::join(parts, "|"))));
  JEVONS_ASSIGN(CharDfa dfa, compile_pattern(node, budget));
  return dfa;
}

/// Kinds of which every value has this shape.
std::uint8_t free_kinds(const Shape& shape) {
  if (shape.choices) return 0;
  std::uint8_t kinds = shape.kinds & (ValueType::kNull | ValueType::kBoolean);
  const NumberRule& number = shape.number;
  if (!number.lower && !number.upper && number.multiple_of == 1) {
    kinds |= shape.kinds & (ValueType::kInteger | ValueType::kFraction);
  }
  const bool has_items = !shape.arrays.empty() || shape.min_items > 0 ||
                         shape.max_items != CountLimits::kNone || shape.unique_items;
  if (!has_items) kinds |= shape.kinds & ValueType::kArray;
  const bool has_properties = !shape.objects.empty() || shape.min_properties > 0 ||
                              shape.max_properties != CountLimits::kNone ||
                              !shape.unevaluated.empty();
  if (!has_properties) kinds |= shape.kinds & ValueType::kObject;
  return kinds;
}

bool admits_any_text(const Shape& shape) {
  return shape.allows(ValueType::kString) && !shape.choices && shape.patterns.empty() &&
         shape.min_length == 0 && shape.max_length == 0xFFFFFFFF;
}

class ParameterRules {
  using StateId = Grammar::StateId;

 public:
  ParameterRules(GrammarBuilder& grammar, const JsonValue& root, std::string_view schema,
                 const StandardLexemes& lexemes, ConstraintReport& report, WorkBudget& budget)
      : grammar_(grammar),
        root_(root),
        lexemes_(lexemes),
        budget_(budget),
        reader_(root, Unsupported::kDrop, report, budget_),
        json_(grammar, reader_, lexemes, Dialect::kCallJson, budget_),
        as_parsed_(schema) {}

  Result<StateId> make() {
    JEVONS_ASSIGN(const std::vector<Shape> shapes, reader_.shapes({{&root_, ""}}));
    const StateId begin = grammar_.add_state();
    bool is_possible = false;
    for (const Shape& shape : shapes) {
      if (!shape.allows(ValueType::kObject)) continue;
      JEVONS_ASSIGN(const bool is, add_parameters(shape, begin));
      is_possible = is_possible || is;
    }
    if (!is_possible) return fail("no object satisfies it");
    JEVONS_TRY(json_.make_pending());
    return begin;
  }

 private:
  /// False if this shape has no values.
  Result<bool> add_parameters(const Shape& shape, StateId from) {
    std::vector<std::string> names;
    std::set<std::string> known;
    for (const Shape::ObjectPart& part : shape.objects) {
      for (const Shape::Property& property : part.properties) {
        if (known.insert(property.name).second) names.push_back(property.name);
      }
    }
    for (const std::string& name : shape.required) {
      if (known.insert(name).second) names.push_back(name);
    }
    JEVONS_TRY(check_counts(shape, names.size()));
    StateId at = from;
    for (const std::string& name : names) {
      const SchemaList schemas = shape.property(name);
      const bool is_required = shape.requires_property(name);
      const bool is_writable = can_be_named(name);
      if (!is_writable) {
        JEVONS_TRY(reader_.unsupported("properties." + name, "name",
                                       "the call format cannot write this name"));
      }
      if (is_never(schemas) && is_required) return false;
      if (is_never(schemas) || !is_writable) continue;
      const StateId next = grammar_.add_state();
      if (!is_required) grammar_.jump(at, next);
      const StateId value = grammar_.literal(at, fmt::format("<parameter name=\"{}\">", name));
      JEVONS_TRY(add_value(schemas, as_parsed_.type_of(name), value, next));
      at = next;
    }
    JEVONS_TRY(add_free_parameters(shape, known, at));
    grammar_.set_end(at);
    return true;
  }

  /// Parameters are not counted.
  Result<void> check_counts(const Shape& shape, std::size_t n_declared) {
    if (shape.min_properties > shape.required.size()) {
      JEVONS_TRY(reader_.unsupported("", "minProperties", "parameters are not counted"));
    }
    const auto others = shape.other_properties();
    const bool has_others = others && !is_never(*others);
    if (shape.max_properties != CountLimits::kNone &&
        (has_others || shape.max_properties < n_declared)) {
      JEVONS_TRY(reader_.unsupported("", "maxProperties", "parameters are not counted"));
    }
    return {};
  }

  /// Parameters that the schema does not name, if it admits them in words.
  Result<void> add_free_parameters(const Shape& shape, const std::set<std::string>& known,
                                   StateId at) {
    const auto others = shape.other_properties();
    if (!others || is_never(*others)) return {};
    const CodePointSet excluded{{0, 0x1F}, {'"', '"'}, {'<', '<'}, {'>', '>'}, {0x7F, 0x7F}};
    CharDfa names = repeat_of(excluded.complement());
    if (!known.empty()) {
      const std::vector<std::string> list(known.begin(), known.end());
      JEVONS_ASSIGN(const CharDfa declared, one_of(list, budget_));
      JEVONS_ASSIGN(names, intersection(names, complement(declared), budget_));
    }
    JEVONS_ASSIGN(names, with_length(names, 1, kMaxFreeNameLength, budget_));
    JEVONS_ASSIGN(Lexeme lexeme, plain_lexeme(names, budget_));
    const StateId after_name = grammar_.add_state();
    json_.call_lexeme(grammar_.literal(at, "<parameter name=\""), std::move(lexeme), {},
                      after_name);
    return add_value(*others, as_parsed_.type_of(""), grammar_.literal(after_name, "\">"), at);
  }

  /// A value, its closing tag and the line break.
  Result<void> add_value(const SchemaList& schemas, const ValueType& as_parsed, StateId from,
                         StateId to) {
    const StateId end = grammar_.add_state();
    grammar_.jump(grammar_.literal(end, "\n"), to);
    JEVONS_ASSIGN(const std::vector<Shape> shapes, reader_.shapes(schemas));
    const StateId json_end = grammar_.add_state();
    grammar_.jump(grammar_.literal(json_end, kValueEnd), end);
    std::uint8_t free = 0;
    for (const Shape& shape : shapes) free |= free_kinds(shape);
    // A raw text that reads as a value of another type is delivered as that: it must not come
    // where such a value could be wrong.
    const auto ambiguous = static_cast<std::uint8_t>(as_parsed.kinds & kOtherThanString & ~free);
    JEVONS_ASSIGN(const auto reserved, texts_read_as(ambiguous, budget_));
    const bool has_any_text =
        !reserved && std::any_of(shapes.begin(), shapes.end(), admits_any_text);
    for (const Shape& shape : shapes) {
      if (has_any_text) break;  // JSON is text too
      JEVONS_TRY(json_.add_shape(shape, schemas, kOtherThanString, from, json_end));
    }
    for (const Shape& shape : shapes) {
      if (!shape.allows(ValueType::kString)) continue;
      JEVONS_TRY(add_texts(shape, schemas, shapes.size() == 1, reserved, from, end));
    }
    return {};
  }

  Result<void> add_texts(const Shape& shape, const SchemaList& schemas, bool is_only_shape,
                         const std::optional<CharDfa>& reserved, StateId from, StateId end) {
    if (shape.choices) {
      std::vector<std::string> texts;
      JEVONS_ASSIGN(const auto values, json_.choices(shape, schemas));
      for (const JsonValue* value : values) {
        if (!value->is_string() || value->text.find(kValueEnd) != std::string::npos) continue;
        if (!is_only_shape && reserved && reserved->accepts(value->text)) continue;
        texts.push_back(value->text + std::string(kValueEnd));
      }
      if (texts.empty()) return {};
      JEVONS_ASSIGN(Lexeme lexeme, literal_lexeme(texts, budget_));
      json_.call_lexeme(from, std::move(lexeme), {}, end);
      return {};
    }
    JEVONS_ASSIGN(auto values, json_.strings(shape));
    if (!values) return {};
    if (reserved) {
      JEVONS_ASSIGN(values, without(*values, *reserved));
    }
    if (!values) return {};
    if (values->is_any) {
      grammar_.call(from, grammar_.add_piece({lexemes_.raw_text, values->limits}), end);
      return {};
    }
    JEVONS_ASSIGN(Lexeme lexeme, raw_text_lexeme(*values, kValueEnd, budget_));
    json_.call_lexeme(from, std::move(lexeme), values->limits, end);
    return {};
  }

  /// The values that are not reserved; absent: none.
  Result<std::optional<TextLanguage>> without(const TextLanguage& values, const CharDfa& reserved) {
    JEVONS_ASSIGN(CharDfa dfa, intersection(values.dfa, complement(reserved), budget_));
    JEVONS_ASSIGN(TextLanguage rest, limited_text(std::move(dfa), values.limits, budget_));
    if (rest.dfa.is_empty()) return std::nullopt;
    return rest;
  }

  GrammarBuilder& grammar_;
  const JsonValue& root_;
  const StandardLexemes& lexemes_;
  WorkBudget& budget_;
  SchemaReader reader_;
  SchemaRules json_;
  ToolSchema as_parsed_;  // what the output parser will make of the values
};

}  // namespace

bool can_be_named(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         name.find_first_of("\"\n\r<>") == std::string_view::npos;
}

Result<Grammar::StateId> make_parameters(GrammarBuilder& grammar, std::string_view schema,
                                         const StandardLexemes& lexemes, ConstraintReport& report,
                                         WorkBudget& budget) {
  if (schema.empty()) return grammar.add_state(true);
  if (schema.size() > kMaxSchemaBytes) return fail("over {} bytes", kMaxSchemaBytes);
  JEVONS_ASSIGN(const JsonValue root, parse_json(schema));
  if (!root.is_object()) return fail("{}, expected an object", json_kind_name(root.kind));
  WorkBudget own = budget.part(kSchemaWorkBudget);
  const std::size_t before = own.left();
  auto made = ParameterRules(grammar, root, schema, lexemes, report, own).make();
  JEVONS_TRY(budget.spend(before - own.left()));
  return made;
}

Result<Grammar::StateId> make_free_parameters(GrammarBuilder& grammar, std::string_view schema,
                                              const StandardLexemes& lexemes) {
  JsonValue always;
  always.kind = JsonValue::Kind::kBoolean;
  always.boolean = true;
  JsonValue names;
  names.kind = JsonValue::Kind::kObject;
  if (const auto root = parse_json(schema); root && root->find("properties") != nullptr) {
    names.keys = root->find("properties")->keys;
    names.items.assign(names.keys.size(), always);
  }
  JsonValue free;
  free.kind = JsonValue::Kind::kObject;
  free.keys = {"properties"};
  free.items = {names};
  if (ToolSchema(schema).admits("\n")) {  // no property is called that: any may come
    free.keys.emplace_back("additionalProperties");
    free.items.push_back(always);
  }
  ConstraintReport ignored;
  WorkBudget budget(kSchemaWorkBudget);
  return ParameterRules(grammar, free, schema, lexemes, ignored, budget).make();
}

}  // namespace jevons
