#include "text/tool_schema.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

namespace jevons {
namespace {

using Kind = JsonValue::Kind;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view strip_spaces(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpaces);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpaces) - begin + 1);
}

/// The value of a number without a fractional part: 3, 3.0, 3e2.
bool is_whole(std::string_view number) {
  if (json_is_integer(number)) return true;
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  return read.ec == std::errc() && std::floor(value) == value;
}

std::uint8_t kind_of(const JsonValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return ValueType::kNull;
    case Kind::kBoolean:
      return ValueType::kBoolean;
    case Kind::kNumber:
      return is_whole(value.text) ? ValueType::kInteger : ValueType::kFraction;
    case Kind::kString:
      return ValueType::kString;
    case Kind::kArray:
      return ValueType::kArray;
    case Kind::kObject:
      return ValueType::kObject;
  }
  return ValueType::kString;
}

/// JSON schema's type names and, because people write them, other languages' in any case.
std::uint8_t kinds_named(std::string_view name) {
  static const std::unordered_map<std::string, std::uint8_t> kNames = {
      {"string", ValueType::kString},
      {"str", ValueType::kString},
      {"integer", ValueType::kInteger},
      {"int", ValueType::kInteger},
      {"number", ValueType::kInteger | ValueType::kFraction},
      {"float", ValueType::kInteger | ValueType::kFraction},
      {"boolean", ValueType::kBoolean},
      {"bool", ValueType::kBoolean},
      {"null", ValueType::kNull},
      {"object", ValueType::kObject},
      {"dict", ValueType::kObject},
      {"array", ValueType::kArray},
      {"list", ValueType::kArray},
  };
  const auto found = kNames.find(lower_case(name));
  return found == kNames.end() ? ValueType::kAny : found->second;
}

std::uint8_t kinds_in_type_keyword(const JsonValue& type) {
  if (type.is_string()) return kinds_named(type.text);
  std::uint8_t kinds = 0;
  for (const JsonValue& item : type.items) {
    if (item.is_string()) kinds = static_cast<std::uint8_t>(kinds | kinds_named(item.text));
  }
  return kinds == 0 ? ValueType::kAny : kinds;
}

ValueType both(ValueType a, ValueType b) {
  a.kinds = static_cast<std::uint8_t>(a.kinds & b.kinds);
  if (a.choices.empty()) a.choices = std::move(b.choices);
  return a;
}

ValueType either(ValueType a, ValueType b) {
  a.kinds = static_cast<std::uint8_t>(a.kinds | b.kinds);
  if (a.choices.empty() || b.choices.empty()) {
    a.choices.clear();
  } else {
    std::move(b.choices.begin(), b.choices.end(), std::back_inserter(a.choices));
  }
  return a;
}

/// Reads schemas below one root. Hostile schemas (cycles of $ref, fans of anyOf) run out of
/// budget and count as unknown from there on.
class SchemaReader {
 public:
  explicit SchemaReader(const JsonValue& root) : root_(root) {}

  ValueType type_of(const JsonValue& schema, int depth = 0) {
    ValueType type;
    if (!schema.is_object() || is_exhausted(depth)) return type;
    if (const JsonValue* keyword = schema.find("type")) {
      type.kinds = kinds_in_type_keyword(*keyword);
    } else if (schema.find("properties") != nullptr) {
      type.kinds = ValueType::kObject;
    } else if (schema.find("items") != nullptr) {
      type.kinds = ValueType::kArray;
    }
    apply_choices(type, schema);
    if (const JsonValue* target = target_of(schema)) type = both(type, type_of(*target, depth + 1));
    if (const JsonValue* all = schema.find("allOf")) {
      for (const JsonValue& part : all->items) type = both(type, type_of(part, depth + 1));
    }
    for (const std::string_view keyword : {"anyOf", "oneOf"}) {
      const JsonValue* any = schema.find(keyword);
      if (any == nullptr || any->items.empty()) continue;
      ValueType joined = type_of(any->items.front(), depth + 1);
      for (std::size_t i = 1; i < any->items.size(); ++i) {
        joined = either(std::move(joined), type_of(any->items[i], depth + 1));
      }
      type = both(std::move(type), std::move(joined));
    }
    if (type.kinds == 0) return ValueType{};  // a contradiction helps nobody
    const JsonValue* nullable = schema.find("nullable");
    if (nullable != nullptr && nullable->kind == Kind::kBoolean && nullable->boolean) {
      type.kinds = static_cast<std::uint8_t>(type.kinds | ValueType::kNull);
    }
    return type;
  }

  struct Properties {
    std::unordered_map<std::string, ValueType> types;
    bool admits_others = false;
    ValueType other_type;
  };

  void collect(const JsonValue& schema, Properties& found, int depth = 0) {
    if (!schema.is_object() || is_exhausted(depth)) return;
    if (const JsonValue* properties = schema.find("properties");
        properties != nullptr && properties->is_object()) {
      for (std::size_t i = 0; i < properties->items.size(); ++i) {
        ValueType type = type_of(properties->items[i]);
        const auto [place, is_new] = found.types.try_emplace(properties->keys[i], type);
        if (!is_new) place->second = either(std::move(place->second), std::move(type));
      }
    }
    if (const JsonValue* others = schema.find("additionalProperties")) {
      if (others->is_object()) found.other_type = type_of(*others);
      if (others->is_object() || others->boolean) found.admits_others = true;
    }
    if (schema.find("patternProperties") != nullptr) found.admits_others = true;
    if (const JsonValue* target = target_of(schema)) collect(*target, found, depth + 1);
    for (const std::string_view keyword : {"allOf", "anyOf", "oneOf"}) {
      const JsonValue* parts = schema.find(keyword);
      if (parts == nullptr) continue;
      for (const JsonValue& part : parts->items) collect(part, found, depth + 1);
    }
  }

 private:
  static constexpr int kMaxDepth = 24;
  static constexpr int kMaxSteps = 100'000;

  bool is_exhausted(int depth) { return depth > kMaxDepth || ++n_steps_ > kMaxSteps; }

  static void apply_choices(ValueType& type, const JsonValue& schema) {
    if (const JsonValue* list = schema.find("enum"); list != nullptr && list->is_array()) {
      type.choices = list->items;
    } else if (const JsonValue* value = schema.find("const")) {
      type.choices = {*value};
    }
    if (type.choices.empty()) return;
    std::uint8_t kinds = 0;
    for (const JsonValue& choice : type.choices) {
      kinds = static_cast<std::uint8_t>(kinds | kind_of(choice));
    }
    type.kinds = static_cast<std::uint8_t>(type.kinds & kinds);
  }

  /// Where a local $ref ("#", "#/$defs/X") points; null if there is none or it leads nowhere.
  const JsonValue* target_of(const JsonValue& schema) const {
    const JsonValue* reference = schema.find("$ref");
    if (reference == nullptr || !reference->text.starts_with('#')) return nullptr;
    std::string_view path = std::string_view(reference->text).substr(1);
    const JsonValue* at = &root_;
    while (at != nullptr && path.starts_with('/')) {
      path.remove_prefix(1);
      const std::size_t end = std::min(path.find('/'), path.size());
      std::string key(path.substr(0, end));
      path.remove_prefix(end);
      for (const auto& [escape, plain] : {std::pair{"~1", "/"}, std::pair{"~0", "~"}}) {
        for (std::size_t i = 0; (i = key.find(escape, i)) != std::string::npos; ++i) {
          key.replace(i, 2, plain);
        }
      }
      at = at->find(key);
    }
    return path.empty() ? at : nullptr;
  }

  const JsonValue& root_;
  int n_steps_ = 0;
};

/// The value that `text` spells in a way a person or another language would. Only for types
/// without strings, where nothing else could be meant.
std::optional<std::string> lenient_value(std::string_view text, const ValueType& type) {
  const std::string lower = lower_case(text);
  if (type.allows(ValueType::kNull) && lower == "null") return lower;
  if (!type.allows(ValueType::kBoolean)) return std::nullopt;
  if (lower == "true" || lower == "false") return lower;
  if (lower == "1") return "true";
  if (lower == "0") return "false";
  return std::nullopt;
}

bool is_choice(const JsonValue& value, const ValueType& type) {
  return std::any_of(type.choices.begin(), type.choices.end(), [&](const JsonValue& choice) {
    return python_json(choice) == python_json(value);
  });
}

}  // namespace

TypedValue typed_value(std::string_view raw, const ValueType& type) {
  const bool string_allowed = type.allows(ValueType::kString);
  const TypedValue as_string{json_string(raw), string_allowed};
  if (type.is_string_only()) return as_string;
  if (string_allowed && !type.choices.empty()) {
    JsonValue text;
    text.kind = Kind::kString;
    text.text = raw;
    if (is_choice(text, type)) return as_string;
  }

  const std::string_view bare = strip_spaces(raw);
  const auto parsed = parse_json(bare);
  // A string never wears quotes in the format: a quoted text is not a JSON string.
  if (!parsed || parsed->is_string() || !type.allows(kind_of(*parsed))) {
    if (string_allowed) return as_string;
    if (auto value = lenient_value(bare, type)) return {*std::move(value), true};
    return as_string;
  }
  const bool is_scalar = !parsed->is_array() && !parsed->is_object();
  if (string_allowed && is_scalar && bare.size() != raw.size()) return as_string;
  if (string_allowed && !type.choices.empty() && !is_choice(*parsed, type)) return as_string;
  return {without_half_surrogates(bare), true};
}

ToolSchema::ToolSchema(std::string_view parameters_json) {
  const auto root = parse_json(parameters_json);
  if (!root) return;
  SchemaReader::Properties found;
  SchemaReader(*root).collect(*root, found);
  is_open_ = found.types.empty() || found.admits_others;
  properties_ = std::move(found.types);
  other_type_ = std::move(found.other_type);
}

bool ToolSchema::admits(std::string_view parameter) const {
  return is_open_ || properties_.contains(std::string(parameter));
}

bool ToolSchema::declares(std::string_view parameter) const {
  return properties_.empty() || properties_.contains(std::string(parameter));
}

const ValueType& ToolSchema::type_of(std::string_view parameter) const {
  const auto found = properties_.find(std::string(parameter));
  return found == properties_.end() ? other_type_ : found->second;
}

}  // namespace jevons
