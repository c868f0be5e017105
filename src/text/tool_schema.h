// What a tool's JSON schema says about the types of its parameters, as far as it is needed to turn
// the raw text of a parameter into JSON. Immutable once made; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// The JSON types that a value may have, as a set of bits. A number type without kFraction is an
/// integer.
struct ValueType {
  static constexpr std::uint8_t kString = 1, kInteger = 2, kFraction = 4, kBoolean = 8, kNull = 16,
                                kObject = 32, kArray = 64, kAny = 127;
  std::uint8_t kinds = kAny;
  std::vector<JsonValue> choices;  // of enum or const; empty: no such limit

  [[nodiscard]] bool allows(std::uint8_t kind) const { return (kinds & kind) != 0; }
  /// Nothing but a string can come: its text may be passed on before it is complete.
  [[nodiscard]] bool is_string_only() const { return kinds == kString; }
};

struct TypedValue {
  std::string json;
  bool fits;  // false: of none of the allowed types, delivered as a string
};

/// The raw text of a parameter as JSON of an allowed type. JSON texts are kept as they were
/// written. Where a string and another type are both possible, the other is taken if the text
/// reads as it exactly and no enum says otherwise. If no string is allowed, surrounding whitespace,
/// True and NULL in any case, and 1 or 0 for a boolean are accepted too.
[[nodiscard]] TypedValue typed_value(std::string_view raw, const ValueType& type);

class ToolSchema {
 public:
  /// Nothing known: any parameter name, any type.
  ToolSchema() = default;

  /// Reads properties, through allOf, anyOf, oneOf and local $ref too. A text that is not a JSON
  /// object gives a schema that knows nothing.
  explicit ToolSchema(std::string_view parameters_json);

  /// Whether a parameter of this name may begin. True for any name if the schema names none or
  /// explicitly admits others (additionalProperties, patternProperties).
  [[nodiscard]] bool admits(std::string_view parameter) const;

  /// Whether this name is declared, or nothing is.
  [[nodiscard]] bool declares(std::string_view parameter) const;

  [[nodiscard]] const ValueType& type_of(std::string_view parameter) const;

 private:
  std::unordered_map<std::string, ValueType> properties_;
  ValueType other_type_;  // of parameters that are not declared
  bool is_open_ = true;
};

}  // namespace jevons
