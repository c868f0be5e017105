// The request of /v1/completions. Pure functions, any thread.
#pragma once

#include <span>
#include <string_view>

#include "api/dialect.h"
#include "api/generation.h"
#include "api/request_fields.h"

namespace jevons {

[[nodiscard]] std::span<const FieldRule> openai_completions_fields();

/// Its notes are OpenAiNotes.
[[nodiscard]] Parsed<GenerationRequest> parse_openai_completions(std::string_view body);

}  // namespace jevons
