// Members of a request's JSON that are objects, lists or names, besides api/request_fields.h.
// Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/request_fields.h"
#include "text/json_value.h"

namespace jevons {

/// The member `key` of `object`, which stands at `path`; null pointer if it is absent or null.
[[nodiscard]] Parsed<const JsonValue*> object_field(const JsonValue& object, std::string_view key,
                                                    std::string_view path);
[[nodiscard]] Parsed<const JsonValue*> list_field(const JsonValue& object, std::string_view key,
                                                  std::string_view path);
/// A text that is not empty.
[[nodiscard]] Parsed<std::string> name_field(const JsonValue& object, std::string_view key,
                                             std::string_view path);

}  // namespace jevons
