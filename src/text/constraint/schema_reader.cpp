// SchemaReader: the keywords that limit a shape by themselves. Those that combine schemas are in
// schema_branches.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "text/constraint/schema_shape.h"
#include "text/constraint/string_formats.h"

namespace jevons {
namespace {

using Kind = JsonValue::Kind;

enum class Group {
  kType,
  kChoices,
  kBound,
  kMultiple,
  kLimit,
  kText,
  kUnique,
  kUnsupported,
  kElsewhere,  // read together with others
};

struct KnownKeyword {
  std::string_view name;
  Group group;
};

/// Keywords that are not here say nothing about what is valid.
constexpr std::array kKeywords = {
    KnownKeyword{"type", Group::kType},
    KnownKeyword{"enum", Group::kChoices},
    KnownKeyword{"const", Group::kChoices},
    KnownKeyword{"minimum", Group::kBound},
    KnownKeyword{"maximum", Group::kBound},
    KnownKeyword{"exclusiveMinimum", Group::kBound},
    KnownKeyword{"exclusiveMaximum", Group::kBound},
    KnownKeyword{"multipleOf", Group::kMultiple},
    KnownKeyword{"minLength", Group::kLimit},
    KnownKeyword{"maxLength", Group::kLimit},
    KnownKeyword{"minItems", Group::kLimit},
    KnownKeyword{"maxItems", Group::kLimit},
    KnownKeyword{"minProperties", Group::kLimit},
    KnownKeyword{"maxProperties", Group::kLimit},
    KnownKeyword{"pattern", Group::kText},
    KnownKeyword{"format", Group::kText},
    KnownKeyword{"uniqueItems", Group::kUnique},
    KnownKeyword{"not", Group::kUnsupported},
    KnownKeyword{"if", Group::kUnsupported},
    KnownKeyword{"contains", Group::kUnsupported},
    KnownKeyword{"propertyNames", Group::kUnsupported},
    KnownKeyword{"patternProperties", Group::kUnsupported},
    KnownKeyword{"dependentRequired", Group::kUnsupported},
    KnownKeyword{"dependentSchemas", Group::kUnsupported},
    KnownKeyword{"dependencies", Group::kUnsupported},
    KnownKeyword{"unevaluatedItems", Group::kUnsupported},
    KnownKeyword{"$dynamicRef", Group::kUnsupported},
    KnownKeyword{"$recursiveRef", Group::kUnsupported},
};

Group group_of(std::string_view name) {
  const auto known = std::find_if(kKeywords.begin(), kKeywords.end(),
                                  [&](const KnownKeyword& each) { return each.name == name; });
  return known == kKeywords.end() ? Group::kElsewhere : known->group;
}

std::string joined(std::string_view path, std::string_view part) {
  return path.empty() ? std::string(part) : fmt::format("{}.{}", path, part);
}

std::uint8_t kinds_named(std::string_view name) {
  using Type = ValueType;
  if (name == "string") return Type::kString;
  if (name == "integer") return Type::kInteger;
  if (name == "number") return Type::kInteger | Type::kFraction;
  if (name == "boolean") return Type::kBoolean;
  if (name == "null") return Type::kNull;
  if (name == "object") return Type::kObject;
  if (name == "array") return Type::kArray;
  return 0;
}

std::uint8_t kind_of(const JsonValue& value) {
  switch (value.kind) {
    case Kind::kNull:
      return ValueType::kNull;
    case Kind::kBoolean:
      return ValueType::kBoolean;
    case Kind::kString:
      return ValueType::kString;
    case Kind::kArray:
      return ValueType::kArray;
    case Kind::kObject:
      return ValueType::kObject;
    case Kind::kNumber: {
      const auto number = Decimal::parse(value.text);
      const bool is_integer = number && number->is_integer();
      return is_integer ? ValueType::kInteger : ValueType::kFraction;
    }
  }
  return 0;
}

/// A count such as 3 or 3.0, large ones cut; absent if it is none.
std::optional<std::uint32_t> count_of(const JsonValue& value) {
  if (value.kind != Kind::kNumber) return std::nullopt;
  const auto number = Decimal::parse(value.text);
  if (!number || number->is_negative || !number->is_integer()) return std::nullopt;
  if (number->whole.size() > 9) return 1'000'000'000;
  return static_cast<std::uint32_t>(std::stoul(number->whole));
}

}  // namespace

struct SchemaReader::Keyword {
  std::string_view name;
  const JsonValue& value;
  const SchemaNode& node;  // the schema that has it
};

Result<std::vector<Shape>> SchemaReader::shapes(const SchemaList& nodes) {
  Shapes shapes(1);
  for (const SchemaNode& node : nodes) {
    JEVONS_ASSIGN(shapes, apply(node, std::move(shapes)));
  }
  return shapes;
}

Result<SchemaReader::Shapes> SchemaReader::apply(const SchemaNode& node, Shapes shapes) {
  JEVONS_TRY(budget_.spend(10 + shapes.size()));
  if (node.schema->kind == Kind::kBoolean) return node.schema->boolean ? shapes : Shapes{};
  if (!node.schema->is_object()) {
    JEVONS_TRY(unsupported(node.path, "schema",
                           fmt::format("it is {}, expected an object or a boolean",
                                       json_kind_name(node.schema->kind))));
    return shapes;
  }
  if (std::find(in_progress_.begin(), in_progress_.end(), node.schema) != in_progress_.end()) {
    return fail("the schema at {} refers to itself without a value in between",
                node.path.empty() ? "the top" : node.path);
  }
  in_progress_.push_back(node.schema);
  for (std::size_t i = 0; i < node.schema->keys.size(); ++i) {
    JEVONS_TRY(budget_.spend(1 + shapes.size()));
    JEVONS_TRY(apply_keyword({node.schema->keys[i], node.schema->items[i], node}, shapes));
  }
  JEVONS_TRY(apply_array(node, shapes));
  JEVONS_TRY(apply_object(node, shapes));
  std::erase_if(shapes, [](const Shape& shape) {
    return shape.kinds == 0 || (shape.choices && shape.choices->empty());
  });
  JEVONS_ASSIGN(shapes, apply_reference(node, std::move(shapes)));
  JEVONS_ASSIGN(shapes, apply_all(node, std::move(shapes)));
  JEVONS_ASSIGN(shapes, apply_any(node, "anyOf", std::move(shapes)));
  JEVONS_ASSIGN(shapes, apply_any(node, "oneOf", std::move(shapes)));
  in_progress_.pop_back();
  return shapes;
}

Result<void> SchemaReader::apply_keyword(const Keyword& keyword, Shapes& shapes) {
  switch (group_of(keyword.name)) {
    case Group::kType:
      return apply_type(keyword, shapes);
    case Group::kChoices:
      return apply_choices(keyword, shapes);
    case Group::kBound:
      return apply_bound(keyword, shapes);
    case Group::kMultiple:
      return apply_multiple(keyword, shapes);
    case Group::kLimit:
      return apply_limit(keyword, shapes);
    case Group::kText:
      return apply_text(keyword, shapes);
    case Group::kUnique:
      if (keyword.value.kind != Kind::kBoolean || !keyword.value.boolean) return {};
      for (Shape& shape : shapes) shape.unique_items = keyword.node.path;
      return {};
    case Group::kUnsupported:
      return unsupported(keyword.node.path, keyword.name, "it cannot be held while writing");
    case Group::kElsewhere:
      return {};
  }
  return {};
}

Result<void> SchemaReader::apply_type(const Keyword& keyword, Shapes& shapes) {
  std::uint8_t kinds = 0;
  const auto add = [&](const JsonValue& name) -> Result<void> {
    const std::uint8_t named = name.is_string() ? kinds_named(name.text) : std::uint8_t{0};
    kinds = static_cast<std::uint8_t>(kinds | (named != 0 ? named : ValueType::kAny));
    if (named != 0) return {};
    return unsupported(keyword.node.path, "type",
                       name.is_string() ? fmt::format("\"{}\" is not a type", name.text)
                                        : "expected the name of a type or a list of names");
  };
  if (keyword.value.is_array()) {
    for (const JsonValue& name : keyword.value.items) JEVONS_TRY(add(name));
  } else {
    JEVONS_TRY(add(keyword.value));
  }
  for (Shape& shape : shapes) shape.kinds = static_cast<std::uint8_t>(shape.kinds & kinds);
  return {};
}

Result<void> SchemaReader::apply_choices(const Keyword& keyword, Shapes& shapes) {
  std::vector<const JsonValue*> choices;
  if (keyword.name == "const") {
    choices = {&keyword.value};
  } else if (!keyword.value.is_array()) {
    return unsupported(keyword.node.path, "enum", "expected a list");
  } else {
    for (const JsonValue& value : keyword.value.items) choices.push_back(&value);
  }
  for (Shape& shape : shapes) {
    JEVONS_TRY(budget_.spend(choices.size()));
    // Two lists: those of the first are tested against the second's schema later.
    if (shape.choices) continue;
    shape.choices = choices;
    std::uint8_t kinds = 0;
    for (const JsonValue* value : choices) kinds |= kind_of(*value);
    shape.kinds = static_cast<std::uint8_t>(shape.kinds & kinds);
  }
  return {};
}

Result<void> SchemaReader::apply_bound(const Keyword& keyword, Shapes& shapes) {
  const bool is_lower = keyword.name == "minimum" || keyword.name == "exclusiveMinimum";
  bool is_exclusive = keyword.name.starts_with("exclusive");
  if (is_exclusive && keyword.value.kind == Kind::kBoolean) return {};  // draft 4: see below
  if (keyword.value.kind != Kind::kNumber) {
    return unsupported(keyword.node.path, keyword.name, "expected a number");
  }
  const auto value = Decimal::parse(keyword.value.text);
  if (!value) return unsupported(keyword.node.path, keyword.name, value.error().message);
  const JsonValue* flag =
      keyword.node.schema->find(is_lower ? "exclusiveMinimum" : "exclusiveMaximum");
  if (flag != nullptr && flag->kind == Kind::kBoolean && flag->boolean) is_exclusive = true;
  for (Shape& shape : shapes) {
    if (is_lower) {
      shape.number.raise_lower({*value, is_exclusive});
    } else {
      shape.number.reduce_upper({*value, is_exclusive});
    }
  }
  return {};
}

Result<void> SchemaReader::apply_multiple(const Keyword& keyword, Shapes& shapes) {
  const auto divisor = count_of(keyword.value);
  if (!divisor || *divisor == 0 || *divisor > NumberRule::kMaxMultiple) {
    return unsupported(keyword.node.path, keyword.name,
                       fmt::format("only whole numbers up to {} are", NumberRule::kMaxMultiple));
  }
  for (Shape& shape : shapes) {
    const std::uint64_t both = std::lcm(std::uint64_t{shape.number.multiple_of}, *divisor);
    if (both > NumberRule::kMaxMultiple) {
      return unsupported(keyword.node.path, keyword.name, "together with another multipleOf");
    }
    shape.number.multiple_of = static_cast<std::uint32_t>(both);
    // Multiples of a whole number are whole, and written so.
    shape.number.integers_only = true;
  }
  return {};
}

Result<void> SchemaReader::apply_limit(const Keyword& keyword, Shapes& shapes) {
  const auto count = count_of(keyword.value);
  if (!count) {
    return unsupported(keyword.node.path, keyword.name, "expected a whole number from 0 on");
  }
  for (Shape& shape : shapes) {
    if (keyword.name == "minLength") shape.min_length = std::max(shape.min_length, *count);
    if (keyword.name == "maxLength") shape.max_length = std::min(shape.max_length, *count);
    if (keyword.name == "minItems") shape.min_items = std::max(shape.min_items, *count);
    if (keyword.name == "maxItems") shape.max_items = std::min(shape.max_items, *count);
    if (keyword.name == "minProperties") {
      shape.min_properties = std::max(shape.min_properties, *count);
    }
    if (keyword.name == "maxProperties") {
      shape.max_properties = std::min(shape.max_properties, *count);
    }
  }
  return {};
}

Result<void> SchemaReader::apply_text(const Keyword& keyword, Shapes& shapes) {
  if (!keyword.value.is_string()) {
    return unsupported(keyword.node.path, keyword.name, "expected a string");
  }
  std::string regex = keyword.value.text;
  if (keyword.name == "format") {
    const auto pattern = format_pattern(keyword.value.text);
    const bool matters = std::any_of(shapes.begin(), shapes.end(), [](const Shape& shape) {
      return shape.allows(ValueType::kString);
    });
    const JsonValue* type = keyword.node.schema->find("type");
    const bool has_other_type = type != nullptr && type->is_string() && type->text != "string";
    if (!matters || has_other_type) return {};
    if (!pattern) {
      return unsupported(keyword.node.path, keyword.name,
                         fmt::format("the format \"{}\" is not known", keyword.value.text));
    }
    regex = *pattern;
  }
  for (Shape& shape : shapes) {
    JEVONS_TRY(budget_.spend(1 + regex.size() / 16));
    shape.patterns.push_back({regex, std::string(keyword.name), keyword.node.path});
  }
  return {};
}

Result<void> SchemaReader::apply_array(const SchemaNode& node, Shapes& shapes) {
  Shape::ArrayPart part;
  const JsonValue* prefix = node.schema->find("prefixItems");
  const JsonValue* items = node.schema->find("items");
  std::string_view prefix_name = "prefixItems";
  std::string_view items_name = "items";
  if (prefix == nullptr && items != nullptr && items->is_array()) {  // before draft 2020-12
    prefix = std::exchange(items, node.schema->find("additionalItems"));
    prefix_name = "items";
    items_name = "additionalItems";
  }
  if (prefix != nullptr && !prefix->is_array()) {
    JEVONS_TRY(unsupported(node.path, prefix_name, "expected a list of schemas"));
    prefix = nullptr;
  }
  if (prefix == nullptr && items == nullptr) return {};
  for (std::size_t i = 0; prefix != nullptr && i < prefix->items.size(); ++i) {
    part.prefix.push_back(
        {&prefix->items[i], joined(node.path, fmt::format("{}.{}", prefix_name, i))});
  }
  if (items != nullptr) part.items = SchemaNode{items, joined(node.path, items_name)};
  for (Shape& shape : shapes) {
    JEVONS_TRY(budget_.spend(1 + part.prefix.size()));
    shape.arrays.push_back(part);
  }
  return {};
}

Result<void> SchemaReader::apply_object(const SchemaNode& node, Shapes& shapes) {
  Shape::ObjectPart part;
  const JsonValue* properties = node.schema->find("properties");
  if (properties != nullptr && !properties->is_object()) {
    JEVONS_TRY(unsupported(node.path, "properties", "expected an object"));
    properties = nullptr;
  }
  for (std::size_t i = 0; properties != nullptr && i < properties->keys.size(); ++i) {
    const std::string path = joined(joined(node.path, "properties"), properties->keys[i]);
    part.properties.push_back({properties->keys[i], {&properties->items[i], path}});
  }
  if (const JsonValue* others = node.schema->find("additionalProperties")) {
    part.others = SchemaNode{others, joined(node.path, "additionalProperties")};
  }
  if (const JsonValue* others = node.schema->find("unevaluatedProperties")) {
    for (Shape& shape : shapes) {
      shape.unevaluated.push_back({others, joined(node.path, "unevaluatedProperties")});
    }
  }
  std::vector<std::string> required;
  const JsonValue* names = node.schema->find("required");
  const bool is_list = names != nullptr && names->is_array();
  for (std::size_t i = 0; is_list && i < names->items.size(); ++i) {
    if (names->items[i].is_string()) required.push_back(names->items[i].text);
  }
  // Draft 3 wrote `required: true` into the property itself; it says nothing today.
  if (!part.properties.empty() || part.others || !required.empty()) {
    for (Shape& shape : shapes) {
      JEVONS_TRY(budget_.spend(1 + part.properties.size() + required.size()));
      shape.objects.push_back(part);
      for (const std::string& name : required) {
        if (!shape.requires_property(name)) shape.required.push_back(name);
      }
    }
  }
  return {};
}

}  // namespace jevons
