// The tokenizer metadata of a GGUF file as a plain Vocabulary. Any thread may call; the result owns
// its strings.
#pragma once

#include "base/result.h"
#include "base/vocabulary.h"
#include "weights/gguf_file.h"

namespace jevons {

/// Reads tokenizer.ggml.*, tokenizer.chat_template and general.sampling.*. Only the byte-level BPE
/// of "gpt2" files is known. Normal tokens are turned from their byte-to-unicode spelling into
/// bytes, all others are kept as they stand. Errors name the token or merge by number.
[[nodiscard]] Result<Vocabulary> read_gguf_vocabulary(const GgufFile& file);

}  // namespace jevons
