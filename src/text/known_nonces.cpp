#include "text/known_nonces.h"

#include <algorithm>
#include <array>
#include <string>

namespace jevons {
namespace {

constexpr std::array<KnownNonce, 1> kKnownNonces = {{
    {"Claude Code", "x-anthropic-billing-header:"},
}};

bool begins_with_nonce(std::string_view text) {
  return std::ranges::any_of(
      kKnownNonces, [text](const KnownNonce& nonce) { return text.starts_with(nonce.line_begin); });
}

/// Without the lines and the empty ones behind each.
std::string_view skip_nonces(std::string_view text) {
  while (begins_with_nonce(text)) {
    const std::size_t line_end = text.find('\n');
    text.remove_prefix(line_end == std::string_view::npos ? text.size() : line_end);
    text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  }
  return text;
}

}  // namespace

std::span<const KnownNonce> known_nonces() { return kKnownNonces; }

Content without_known_nonces(const Content& content) {
  Content rest;
  rest.is_list = content.is_list;
  for (const std::string& part : content.parts) {
    const std::string_view kept = skip_nonces(part);
    if (!kept.empty() || part.empty()) rest.parts.emplace_back(kept);
  }
  return rest;
}

}  // namespace jevons
