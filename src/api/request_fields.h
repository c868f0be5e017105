// Reads the fields of a request's JSON. An error is an ApiError that names the field and what was
// expected: "messages[0].role: is a number, expected a string". A field that is null counts as
// absent, because clients write null for "none". Pure functions, any thread.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "api/generation.h"
#include "text/json_value.h"

namespace jevons {

template <typename T>
using Parsed = std::expected<T, ApiError>;

[[nodiscard]] std::unexpected<ApiError> invalid_field(std::string_view path,
                                                      std::string_view problem);
/// Understood, and not there.
[[nodiscard]] std::unexpected<ApiError> unsupported_field(std::string_view path,
                                                          std::string_view problem);
[[nodiscard]] std::unexpected<ApiError> wrong_kind_of_field(std::string_view path,
                                                            const JsonValue& value,
                                                            std::string_view expected);

/// "path.key"; the root's path is "".
[[nodiscard]] std::string member_path(std::string_view path, std::string_view key);
[[nodiscard]] std::string item_path(std::string_view path, std::size_t i);

/// The member `key` of `object`; null pointer if it is absent or null.
[[nodiscard]] const JsonValue* set_field(const JsonValue& object, std::string_view key);

[[nodiscard]] Parsed<JsonValue> parse_request_object(std::string_view body);
[[nodiscard]] Parsed<std::optional<std::string>> string_field(const JsonValue& object,
                                                              std::string_view key,
                                                              std::string_view path);
[[nodiscard]] Parsed<std::string> required_string(const JsonValue& object, std::string_view key,
                                                  std::string_view path);
[[nodiscard]] Parsed<bool> boolean_field(const JsonValue& object, std::string_view key,
                                         std::string_view path, bool otherwise);
[[nodiscard]] Parsed<std::optional<int>> integer_field(const JsonValue& object,
                                                       std::string_view key, std::string_view path,
                                                       int least, int most);
[[nodiscard]] Parsed<std::optional<float>> number_field(const JsonValue& object,
                                                        std::string_view key, std::string_view path,
                                                        float least, float most);

}  // namespace jevons
