// The tokenizer.json of a model's folder, as the Hugging Face tokenizers write it, as a plain
// Vocabulary. Only byte-level BPE with the pre-tokenizer of M2 is known; whatever else the file
// asks for that would change a token is refused by name. Any thread may call; nothing is kept.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/vocabulary.h"

namespace jevons {

/// Added tokens marked special become control tokens, the others user-defined; M2's thinking and
/// tool call markers are user-defined either way. Ids that no token has become unused ones. The ids
/// of begin of text, end of turn and unknown are those of M2's markers, where they exist.
[[nodiscard]] Result<Vocabulary> read_tokenizer_json(const std::string& path);

/// The same from the text of the file; `name` stands for it in messages.
[[nodiscard]] Result<Vocabulary> parse_tokenizer_json(std::string_view text,
                                                      const std::string& name);

}  // namespace jevons
