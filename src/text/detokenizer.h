// Tokens to text that can be shown, while they arrive: a character whose bytes are spread over
// several tokens is held back until it is whole. For one thread; the tokenizer must outlive it.
#pragma once

#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace jevons {

enum class ControlTokens { kHide, kShow };

class Detokenizer {
 public:
  explicit Detokenizer(const Tokenizer& tokenizer,
                       ControlTokens control_tokens = ControlTokens::kHide)
      : tokenizer_(tokenizer), control_tokens_(control_tokens) {}

  /// The characters that `id` completes: valid UTF-8, perhaps none. Bytes that cannot become valid
  /// are shown as U+FFFD. Control and unknown tokens give nothing unless they are to be shown,
  /// unused ones and ids that do not exist never.
  [[nodiscard]] std::string push(std::int32_t id);

  /// What was held back, as U+FFFD; afterwards a new text can begin. All that push() and finish()
  /// gave is utf8_sanitize() of the tokens' bytes.
  [[nodiscard]] std::string finish();

 private:
  const Tokenizer& tokenizer_;
  ControlTokens control_tokens_;
  std::string pending_;  // at most three bytes
};

}  // namespace jevons
