// The signature of a thinking block in the Anthropic dialect: base64 that clients send back with
// the block. For a client that asked not to see the reasoning it carries the reasoning itself, so
// that a conversation goes on unchanged whatever the server has forgotten since. Nothing is
// proved by it: a client may send any reasoning it likes, signed or not. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace jevons {

/// Of a block whose text was sent. `id`: of the answer.
[[nodiscard]] std::string thinking_signature(std::string_view id);

/// Of a block whose text was kept from the client.
[[nodiscard]] std::string signature_with_thinking(std::string_view thinking);

/// The reasoning in a signature that signature_with_thinking() made; nothing in any other.
[[nodiscard]] std::optional<std::string> thinking_of_signature(std::string_view signature);

}  // namespace jevons
