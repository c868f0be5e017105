// The reasoning of an answer as `encrypted_content`: clients that keep the conversation themselves
// carry it back unread. Nothing here is secret, so it is an encoding, not a cipher. Pure functions,
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jevons {

[[nodiscard]] std::string encode_reasoning(std::string_view reasoning);

/// Nothing if the text is not of encode_reasoning(): another service's, or damaged.
[[nodiscard]] std::optional<std::string> decode_reasoning(std::string_view encoded);

}  // namespace jevons
