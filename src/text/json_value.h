// A JSON value that keeps what prompts need and other JSON trees lose: the order of keys and the
// exact text of numbers. Plain data, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace jevons {

struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;               // of a string (decoded) or of a number (as written)
  std::vector<JsonValue> items;   // of an array or an object
  std::vector<std::string> keys;  // of an object: keys[i] belongs to items[i]; no key twice

  [[nodiscard]] bool is_null() const { return kind == Kind::kNull; }
  [[nodiscard]] bool is_string() const { return kind == Kind::kString; }
  [[nodiscard]] bool is_array() const { return kind == Kind::kArray; }
  [[nodiscard]] bool is_object() const { return kind == Kind::kObject; }

  /// The member `key` of an object; null pointer if there is none or this is not an object.
  [[nodiscard]] const JsonValue* find(std::string_view key) const;

  bool operator==(const JsonValue&) const = default;
};

/// "an object", "a number", ... for messages.
[[nodiscard]] std::string_view json_kind_name(JsonValue::Kind kind);

/// Whether a number is an integer by its text: no fraction, no exponent.
[[nodiscard]] bool json_is_integer(std::string_view number);

inline constexpr std::size_t kMaxJsonDepth = 256;

/// Strict JSON in UTF-8, at most kMaxJsonDepth deep. Of a repeated key the last value counts, at
/// the place of the first, as in Python and JavaScript. Half of a surrogate pair in an escape,
/// which JavaScript writes when it cuts a string, is read as U+FFFD.
[[nodiscard]] Result<JsonValue> parse_json(std::string_view json);

/// `json` with every half of a surrogate pair in an escape replaced by \ufffd: text that strict
/// readers accept too.
[[nodiscard]] std::string without_half_surrogates(std::string_view json);

/// The text that Python's json.dumps(value, ensure_ascii=False) gives after json.loads: ", " and
/// ": ", floats as repr() (1e5 is 100000.0), integers of any size digit for digit.
[[nodiscard]] std::string python_json(const JsonValue& value);

/// Appends `text` as the inside of a JSON string, escaped as json.dumps(ensure_ascii=False) does.
void append_json_escaped(std::string& json, std::string_view text);

/// `text` as a JSON string with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace jevons
