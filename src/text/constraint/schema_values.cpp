#include "text/constraint/schema_values.h"

#include <algorithm>
#include <string_view>

#include "text/constraint/char_automaton.h"
#include "text/constraint/code_point_set.h"
#include "text/constraint/decimal.h"
#include "text/constraint/regex_syntax.h"
#include "text/constraint/string_formats.h"

namespace jevons {
namespace {

using Kind = JsonValue::Kind;

constexpr int kMaxDepth = 200;

bool has_type(const JsonValue& value, std::string_view name) {
  switch (value.kind) {
    case Kind::kNull:
      return name == "null";
    case Kind::kBoolean:
      return name == "boolean";
    case Kind::kString:
      return name == "string";
    case Kind::kArray:
      return name == "array";
    case Kind::kObject:
      return name == "object";
    case Kind::kNumber: {
      if (name == "number") return true;
      const auto number = Decimal::parse(value.text);
      return name == "integer" && number && number->is_integer();
    }
  }
  return false;
}

class Evaluator {
 public:
  Evaluator(const SchemaReader& reader, WorkBudget& budget) : reader_(reader), budget_(budget) {}

  Result<bool> holds(const JsonValue& value, const JsonValue& schema) {
    JEVONS_TRY(budget_.spend(5));
    if (schema.kind == Kind::kBoolean) return schema.boolean;
    if (depth_ > kMaxDepth) return fail("the schema nests too deep");
    ++depth_;
    for (std::size_t i = 0; i < schema.keys.size(); ++i) {
      JEVONS_ASSIGN(const bool is, keyword_holds(value, schema, schema.keys[i], schema.items[i]));
      if (!is) {
        --depth_;
        return false;
      }
    }
    --depth_;
    return true;
  }

 private:
  Result<bool> keyword_holds(const JsonValue& value, const JsonValue& schema, std::string_view name,
                             const JsonValue& keyword) {
    if (name == "type") return type_holds(value, keyword);
    if (name == "const") return same_json(value, keyword);
    if (name == "enum") {
      return std::any_of(keyword.items.begin(), keyword.items.end(),
                         [&](const JsonValue& each) { return same_json(value, each); });
    }
    if (name == "$ref") {
      const SchemaNode there = reader_.target(keyword.text);
      if (there.schema == nullptr) return true;
      return holds(value, *there.schema);
    }
    if (name == "allOf" || name == "anyOf" || name == "oneOf") {
      return combination_holds(value, name, keyword);
    }
    switch (value.kind) {
      case Kind::kString:
        return string_keyword_holds(value.text, name, keyword);
      case Kind::kNumber:
        return number_keyword_holds(value, name, keyword);
      case Kind::kArray:
        return array_keyword_holds(value, schema, name, keyword);
      case Kind::kObject:
        return object_keyword_holds(value, schema, name, keyword);
      default:
        return true;
    }
  }

  static bool type_holds(const JsonValue& value, const JsonValue& type) {
    if (type.is_string()) return has_type(value, type.text);
    if (type.items.empty()) return !type.is_array();
    return std::any_of(type.items.begin(), type.items.end(),
                       [&](const JsonValue& name) { return has_type(value, name.text); });
  }

  Result<bool> combination_holds(const JsonValue& value, std::string_view name,
                                 const JsonValue& list) {
    if (!list.is_array() || list.items.empty()) return true;
    std::size_t n_holding = 0;
    for (const JsonValue& part : list.items) {
      JEVONS_ASSIGN(const bool is, holds(value, part));
      if (is) ++n_holding;
    }
    if (name == "allOf") return n_holding == list.items.size();
    return name == "anyOf" ? n_holding > 0 : n_holding == 1;
  }

  Result<bool> string_keyword_holds(const std::string& text, std::string_view name,
                                    const JsonValue& keyword) {
    if (name == "minLength" || name == "maxLength") {
      const auto limit = Decimal::parse(keyword.text);
      const auto length = Decimal::parse(std::to_string(code_points(text).size()));
      if (!limit || !length) return true;
      return name == "minLength" ? *length >= *limit : *length <= *limit;
    }
    std::string_view pattern = keyword.text;
    if (name == "format") {
      const auto known = format_pattern(keyword.text);
      if (!known) return true;
      pattern = *known;
    } else if (name != "pattern") {
      return true;
    }
    const auto node = parse_regex(pattern);
    if (!node) return true;  // dropped or refused where schemas are read
    JEVONS_ASSIGN(const CharDfa dfa, compile_pattern(*node, budget_));
    return dfa.accepts(text);
  }

  static Result<bool> number_keyword_holds(const JsonValue& value, std::string_view name,
                                           const JsonValue& keyword) {
    const bool is_bound = name == "minimum" || name == "maximum" || name == "exclusiveMinimum" ||
                          name == "exclusiveMaximum";
    if ((!is_bound && name != "multipleOf") || keyword.kind != Kind::kNumber) return true;
    const auto number = Decimal::parse(value.text);
    const auto limit = Decimal::parse(keyword.text);
    if (!number || !limit) return false;
    if (name == "minimum") return *number >= *limit;
    if (name == "maximum") return *number <= *limit;
    if (name == "exclusiveMinimum") return *number > *limit;
    if (name == "exclusiveMaximum") return *number < *limit;
    return is_multiple(*number, *limit);
  }

  /// Of a whole number; others are not held at all.
  static bool is_multiple(const Decimal& number, const Decimal& divisor) {
    if (!divisor.is_integer() || divisor.is_zero() || divisor.whole.size() > 9) return true;
    if (!number.is_integer()) return false;
    const auto by = static_cast<std::uint64_t>(std::stoul(divisor.whole));
    std::uint64_t remainder = 0;
    for (const char digit : number.whole) {
      remainder = (remainder * 10 + static_cast<std::uint64_t>(digit - '0')) % by;
    }
    return remainder == 0;
  }

  static Result<bool> count_holds(std::size_t n, const JsonValue& limit, bool is_minimum) {
    const auto count = Decimal::parse(std::to_string(n));
    const auto bound = Decimal::parse(limit.text);
    if (limit.kind != Kind::kNumber || !bound || !count) return true;
    return is_minimum ? *count >= *bound : *count <= *bound;
  }

  Result<bool> array_keyword_holds(const JsonValue& value, const JsonValue& schema,
                                   std::string_view name, const JsonValue& keyword) {
    if (name == "minItems" || name == "maxItems") {
      return count_holds(value.items.size(), keyword, name == "minItems");
    }
    if (name == "uniqueItems" && keyword.boolean) {
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        JEVONS_TRY(budget_.spend(i));
        for (std::size_t j = 0; j < i; ++j) {
          if (same_json(value.items[i], value.items[j])) return false;
        }
      }
      return true;
    }
    const JsonValue* prefix = schema.find("prefixItems");
    const JsonValue* items = schema.find("items");
    if (prefix == nullptr && items != nullptr && items->is_array()) {
      prefix = items;
      items = schema.find("additionalItems");
    }
    if (&keyword != prefix && &keyword != items) return true;
    const std::size_t n_prefix = prefix != nullptr ? prefix->items.size() : 0;
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      const bool is_in_prefix = i < n_prefix;
      if (is_in_prefix != (&keyword == prefix)) continue;
      JEVONS_ASSIGN(const bool is, holds(value.items[i], is_in_prefix ? prefix->items[i] : *items));
      if (!is) return false;
    }
    return true;
  }

  Result<bool> object_keyword_holds(const JsonValue& value, const JsonValue& schema,
                                    std::string_view name, const JsonValue& keyword) {
    if (name == "minProperties" || name == "maxProperties") {
      return count_holds(value.items.size(), keyword, name == "minProperties");
    }
    if (name == "required" && keyword.is_array()) {
      return std::all_of(keyword.items.begin(), keyword.items.end(), [&](const JsonValue& each) {
        return !each.is_string() || value.find(each.text) != nullptr;
      });
    }
    // Stricter than it is meant for unevaluatedProperties: some values are lost, none is wrong.
    const bool is_others = name == "additionalProperties" || name == "unevaluatedProperties";
    if (name != "properties" && !is_others) return true;
    const JsonValue* properties = schema.find("properties");
    for (std::size_t i = 0; i < value.keys.size(); ++i) {
      const JsonValue* declared = properties != nullptr ? properties->find(value.keys[i]) : nullptr;
      const JsonValue* wanted = is_others ? (declared == nullptr ? &keyword : nullptr) : declared;
      if (wanted == nullptr) continue;
      JEVONS_ASSIGN(const bool is, holds(value.items[i], *wanted));
      if (!is) return false;
    }
    return true;
  }

  const SchemaReader& reader_;
  WorkBudget& budget_;
  int depth_ = 0;
};

}  // namespace

bool same_json(const JsonValue& a, const JsonValue& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBoolean:
      return a.boolean == b.boolean;
    case Kind::kString:
      return a.text == b.text;
    case Kind::kNumber: {
      const auto number_a = Decimal::parse(a.text);
      const auto number_b = Decimal::parse(b.text);
      return number_a && number_b ? *number_a == *number_b : a.text == b.text;
    }
    case Kind::kArray:
      return std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(), same_json);
    case Kind::kObject:
      break;
  }
  if (a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.keys.size(); ++i) {
    const JsonValue* other = b.find(a.keys[i]);
    if (other == nullptr || !same_json(a.items[i], *other)) return false;
  }
  return true;
}

Result<bool> satisfies(const JsonValue& value, const SchemaNode& schema, const SchemaReader& reader,
                       WorkBudget& budget) {
  return Evaluator(reader, budget).holds(value, *schema.schema);
}

}  // namespace jevons
