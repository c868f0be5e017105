// The responses of /v1/completions.
#pragma once

#include <memory>

#include "api/dialect.h"
#include "api/generation.h"

namespace jevons {

/// `request`: of parse_openai_completions().
[[nodiscard]] std::unique_ptr<ResponseWriter> openai_completions_stream(
    const GenerationRequest& request, const ResponseContext& context);
[[nodiscard]] std::unique_ptr<ResponseWriter> openai_completions_body(
    const GenerationRequest& request, const ResponseContext& context);

}  // namespace jevons
