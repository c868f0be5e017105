// Responses of /v1/messages, streamed or not. The events of an answer become content blocks:
// thinking, text and tool_use, each ended before the next begins, numbered in their order.
#pragma once

#include <memory>
#include <string>

#include "api/dialect.h"

namespace jevons {

[[nodiscard]] std::unique_ptr<ResponseWriter> make_anthropic_writer(
    const GenerationRequest& request, const ResponseContext& context);

/// {"type":"error", ...} for a body or an error event.
[[nodiscard]] std::string anthropic_error_json(const ApiError& error);

}  // namespace jevons
