#include "text/json_value.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/utf8.h"

namespace jevons {
namespace {

/// Receives nlohmann's parser events: its tree would turn number texts into doubles.
class TreeBuilder {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  bool null() { return add(JsonValue{}); }
  bool boolean(bool value) {
    JsonValue node;
    node.kind = JsonValue::Kind::kBoolean;
    node.boolean = value;
    return add(std::move(node));
  }
  bool number_integer(number_integer_t value) { return add_number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) { return add_number(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) { return add_number(text); }
  bool string(string_t& value) {
    JsonValue node;
    node.kind = JsonValue::Kind::kString;
    node.text = std::move(value);
    return add(std::move(node));
  }
  bool binary(binary_t& /*value*/) { return false; }
  bool start_object(std::size_t /*n_members*/) { return open(JsonValue::Kind::kObject); }
  bool start_array(std::size_t /*n_items*/) { return open(JsonValue::Kind::kArray); }
  bool key(string_t& name) {
    keys_.back() = std::move(name);
    return true;
  }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: reason"
    const std::string_view what = error.what();
    const std::size_t end = what.find("] ");
    message_ = fmt::format("not valid JSON at byte {}: {}", position,
                           end == std::string_view::npos ? what : what.substr(end + 2));
    return false;
  }

  JsonValue& root() { return root_; }
  const std::string& message() const { return message_; }

 private:
  bool add_number(std::string text) {
    JsonValue node;
    node.kind = JsonValue::Kind::kNumber;
    node.text = std::move(text);
    return add(std::move(node));
  }

  bool open(JsonValue::Kind kind) {
    if (open_.size() == kMaxJsonDepth) {
      message_ = fmt::format("JSON nested deeper than {} levels", kMaxJsonDepth);
      return false;
    }
    JsonValue node;
    node.kind = kind;
    open_.push_back(std::move(node));
    keys_.emplace_back();
    places_.emplace_back();
    return true;
  }

  bool close() {
    JsonValue node = std::move(open_.back());
    open_.pop_back();
    keys_.pop_back();
    places_.pop_back();
    return add(std::move(node));
  }

  bool add(JsonValue node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return true;
    }
    JsonValue& parent = open_.back();
    if (parent.is_object()) {
      const auto [place, is_new] = places_.back().try_emplace(keys_.back(), parent.items.size());
      if (!is_new) {
        parent.items[place->second] = std::move(node);
        return true;
      }
      parent.keys.push_back(keys_.back());
    }
    parent.items.push_back(std::move(node));
    return true;
  }

  JsonValue root_;
  std::vector<JsonValue> open_;  // from the root inwards
  std::vector<std::string> keys_;
  std::vector<std::unordered_map<std::string, std::size_t>> places_;  // key -> index of its item
  std::string message_;
};

/// The code unit of the escape \uXXXX that begins at `at`, -1 if there is none.
int unicode_escape(std::string_view json, std::size_t at) {
  if (at + 6 > json.size() || json[at] != '\\' || json[at + 1] != 'u') return -1;
  int unit = 0;
  const char* const end = json.data() + at + 6;
  const auto read = std::from_chars(json.data() + at + 2, end, unit, 16);
  return read.ec == std::errc() && read.ptr == end && unit >= 0 ? unit : -1;
}

/// Python's repr(float(text)): the shortest digits that read back, fixed from 1e-4 to 1e16.
std::string python_float(std::string_view text) {
  double value = 0;
  // Out of range can only mean too small here: the parser refuses what is too large.
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) {
    value = text.starts_with('-') ? -0.0 : 0.0;
  }
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<std::size_t>(end.ptr - buffer));
  const std::size_t e = shortest.find('e');
  std::string digits;
  for (const char c : shortest.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const int exponent = std::atoi(std::string(shortest.substr(e + 1)).c_str());
  const std::string sign = std::signbit(value) ? "-" : "";
  const int n_digits = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    return fmt::format("{}{}{}{}e{}{:02}", sign, digits[0], n_digits > 1 ? "." : "",
                       digits.substr(1), exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) {
    return sign + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  }
  const std::size_t n_whole = static_cast<std::size_t>(exponent) + 1;
  if (digits.size() <= n_whole) {
    return sign + digits + std::string(n_whole - digits.size(), '0') + ".0";
  }
  return sign + digits.substr(0, n_whole) + "." + digits.substr(n_whole);
}

void append_python(std::string& out, const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
      out += "null";
      return;
    case JsonValue::Kind::kBoolean:
      out += value.boolean ? "true" : "false";
      return;
    case JsonValue::Kind::kNumber:
      out += json_is_integer(value.text) ? value.text : python_float(value.text);
      return;
    case JsonValue::Kind::kString:
      out += json_string(value.text);
      return;
    case JsonValue::Kind::kArray:
    case JsonValue::Kind::kObject:
      break;
  }
  out += value.is_object() ? '{' : '[';
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ", ";
    if (value.is_object()) out += json_string(value.keys[i]) + ": ";
    append_python(out, value.items[i]);
  }
  out += value.is_object() ? '}' : ']';
}

}  // namespace

const JsonValue* JsonValue::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i] == key) return &items[i];
  }
  return nullptr;
}

std::string_view json_kind_name(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::kNull:
      return "null";
    case JsonValue::Kind::kBoolean:
      return "a boolean";
    case JsonValue::Kind::kNumber:
      return "a number";
    case JsonValue::Kind::kString:
      return "a string";
    case JsonValue::Kind::kArray:
      return "a list";
    case JsonValue::Kind::kObject:
      return "an object";
  }
  return "a value";
}

bool json_is_integer(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

std::string without_half_surrogates(std::string_view json) {
  std::string repaired(json);
  for (std::size_t at = 0; (at = repaired.find('\\', at)) != std::string::npos;) {
    const int unit = unicode_escape(repaired, at);
    if (unit < 0xD800 || unit > 0xDFFF) {
      at += unit >= 0 ? 6 : 2;
      continue;
    }
    const int next = unicode_escape(repaired, at + 6);
    if (unit <= 0xDBFF && next >= 0xDC00 && next <= 0xDFFF) {
      at += 12;
    } else {
      repaired.replace(at + 2, 4, "fffd");
      at += 6;
    }
  }
  return repaired;
}

Result<JsonValue> parse_json(std::string_view json) {
  try {
    TreeBuilder builder;
    const bool has_surrogates =
        json.find("\\ud") != std::string_view::npos || json.find("\\uD") != std::string_view::npos;
    const std::string repaired = has_surrogates ? without_half_surrogates(json) : std::string();
    const std::string_view text = has_surrogates ? repaired : json;
    const bool ok = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
    // The message quotes the text, which may not be UTF-8.
    if (!ok) return fail("{}", utf8_sanitize(builder.message()));
    return std::move(builder.root());
  } catch (const std::exception& error) {
    return fail("not valid JSON: {}", error.what());
  }
}

std::string python_json(const JsonValue& value) {
  std::string out;
  append_python(out, value);
  return out;
}

void append_json_escaped(std::string& json, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '"':
        json += "\\\"";
        break;
      case '\\':
        json += "\\\\";
        break;
      case '\n':
        json += "\\n";
        break;
      case '\r':
        json += "\\r";
        break;
      case '\t':
        json += "\\t";
        break;
      case '\b':
        json += "\\b";
        break;
      case '\f':
        json += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        } else {
          json += c;
        }
    }
  }
}

std::string json_string(std::string_view text) {
  std::string json;
  json.reserve(text.size() + 2);
  json += '"';
  append_json_escaped(json, text);
  json += '"';
  return json;
}

}  // namespace jevons
