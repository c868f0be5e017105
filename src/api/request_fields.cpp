#include "api/request_fields.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <utility>

namespace jevons {
namespace {

std::unexpected<ApiError> refuse(ApiErrorKind kind, std::string_view path,
                                 std::string_view problem) {
  ApiError error;
  error.kind = kind;
  error.message = path.empty() ? std::string(problem) : fmt::format("{}: {}", path, problem);
  error.param = path;
  return std::unexpected(std::move(error));
}

/// Enough of a value to recognise it in a message.
std::string shortened(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  if (text.size() <= kLongest) return std::string(text);
  return fmt::format("{}...", text.substr(0, kLongest));
}

}  // namespace

std::unexpected<ApiError> invalid_field(std::string_view path, std::string_view problem) {
  return refuse(ApiErrorKind::kInvalidRequest, path, problem);
}

std::unexpected<ApiError> unsupported_field(std::string_view path, std::string_view problem) {
  return refuse(ApiErrorKind::kUnsupported, path, problem);
}

std::unexpected<ApiError> wrong_kind_of_field(std::string_view path, const JsonValue& value,
                                              std::string_view expected) {
  return invalid_field(path,
                       fmt::format("is {}, expected {}", json_kind_name(value.kind), expected));
}

std::string member_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string item_path(std::string_view path, std::size_t i) {
  return fmt::format("{}[{}]", path, i);
}

const JsonValue* set_field(const JsonValue& object, std::string_view key) {
  const JsonValue* const found = object.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

Parsed<JsonValue> parse_request_object(std::string_view body) {
  auto root = parse_json(body);
  if (!root)
    return invalid_field("", fmt::format("the body is not JSON: {}", root.error().message));
  if (!root->is_object()) {
    return invalid_field(
        "", fmt::format("the body is {}, expected an object", json_kind_name(root->kind)));
  }
  return *std::move(root);
}

Parsed<std::optional<std::string>> string_field(const JsonValue& object, std::string_view key,
                                                std::string_view path) {
  const JsonValue* const value = set_field(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_kind_of_field(member_path(path, key), *value, "a string");
  return value->text;
}

Parsed<std::string> required_string(const JsonValue& object, std::string_view key,
                                    std::string_view path) {
  JEVONS_ASSIGN(auto value, string_field(object, key, path));
  if (!value) return invalid_field(member_path(path, key), "missing, expected a string");
  return *std::move(value);
}

Parsed<bool> boolean_field(const JsonValue& object, std::string_view key, std::string_view path,
                           bool otherwise) {
  const JsonValue* const value = set_field(object, key);
  if (value == nullptr) return otherwise;
  if (value->kind != JsonValue::Kind::kBoolean) {
    return wrong_kind_of_field(member_path(path, key), *value, "true or false");
  }
  return value->boolean;
}

Parsed<std::optional<int>> integer_field(const JsonValue& object, std::string_view key,
                                         std::string_view path, int least, int most) {
  const JsonValue* const value = set_field(object, key);
  if (value == nullptr) return std::nullopt;
  const std::string field = member_path(path, key);
  const std::string expected = fmt::format("an integer from {} to {}", least, most);
  if (value->kind != JsonValue::Kind::kNumber) {
    return wrong_kind_of_field(field, *value, expected);
  }
  int number = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto [stop, error] = std::from_chars(value->text.data(), end, number);
  if (error != std::errc() || stop != end || number < least || number > most) {
    return invalid_field(field,
                         fmt::format("is {}, expected {}", shortened(value->text), expected));
  }
  return number;
}

Parsed<std::optional<float>> number_field(const JsonValue& object, std::string_view key,
                                          std::string_view path, float least, float most) {
  const JsonValue* const value = set_field(object, key);
  if (value == nullptr) return std::nullopt;
  const std::string field = member_path(path, key);
  const std::string expected = fmt::format("a number from {} to {}", least, most);
  if (value->kind != JsonValue::Kind::kNumber) {
    return wrong_kind_of_field(field, *value, expected);
  }
  double number = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto [stop, error] = std::from_chars(value->text.data(), end, number);
  const bool is_number = error == std::errc() && stop == end && std::isfinite(number);
  if (!is_number || number < least || number > most) {
    return invalid_field(field,
                         fmt::format("is {}, expected {}", shortened(value->text), expected));
  }
  return static_cast<float>(number);
}

}  // namespace jevons
