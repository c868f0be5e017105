#include "text/detokenizer.h"

#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace jevons {

std::string Detokenizer::push(std::int32_t id) {
  const TokenKind kind = tokenizer_.kind(id);
  const bool is_hidden = kind == TokenKind::kControl || kind == TokenKind::kUnknown;
  if (is_hidden && control_tokens_ == ControlTokens::kHide) return {};
  pending_ += tokenizer_.token_bytes(id);
  const std::size_t n_complete = utf8_complete_prefix(pending_);
  std::string text = utf8_sanitize(std::string_view(pending_).substr(0, n_complete));
  pending_.erase(0, n_complete);
  return text;
}

std::string Detokenizer::finish() { return utf8_sanitize(std::exchange(pending_, {})); }

}  // namespace jevons
