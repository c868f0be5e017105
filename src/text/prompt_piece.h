// A run of prompt text with one level of trust.
#pragma once

#include <string>

namespace jevons {

struct PromptPiece {
  std::string text;
  /// True for text of our own: markers in it become special tokens. False for everything that
  /// came from users, tools or files: a marker in it stays ordinary text.
  bool trusted;
};

}  // namespace jevons
