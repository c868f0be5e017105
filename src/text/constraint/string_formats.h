// The string formats of JSON schema that are held, as patterns. Any thread may call.
#pragma once

#include <optional>
#include <string_view>

namespace jevons {

/// The pattern of a format, anchored; absent if the format is not held.
[[nodiscard]] std::optional<std::string_view> format_pattern(std::string_view format);

}  // namespace jevons
