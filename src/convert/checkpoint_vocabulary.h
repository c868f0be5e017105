// The tokenizer, chat template and sampling defaults of a checkpoint's folder. Any thread.
#pragma once

#include <string>

#include "base/result.h"
#include "base/vocabulary.h"

namespace jevons {

/// Reads tokenizer.json (needed), tokenizer_config.json, chat_template.jinja and
/// generation_config.json (each used if it is there). The table is filled up to `n_tokens` rows,
/// those of the embedding, with unused tokens; more tokens than rows are an error.
[[nodiscard]] Result<Vocabulary> read_checkpoint_vocabulary(const std::string& folder,
                                                            int n_tokens);

}  // namespace jevons
