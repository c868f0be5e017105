// Lines that clients put into their system text for their maker's accounts, and that change with
// every conversation. They tell the model nothing, but as the first bytes of a prompt they keep
// every conversation from using what the cache has of the one before.
#pragma once

#include <span>
#include <string_view>

#include "text/chat.h"

namespace jevons {

struct KnownNonce {
  std::string_view client;
  std::string_view line_begin;  // of a line at the begin of a system text or of one of its parts
};
[[nodiscard]] std::span<const KnownNonce> known_nonces();

/// A system text without such lines. A part that has nothing else goes as a whole. Only lines
/// before any other text count, so that a text that speaks of them stays as it is. Pure, any
/// thread.
[[nodiscard]] Content without_known_nonces(const Content& content);

}  // namespace jevons
