// The responses of /v1/chat/completions.
#pragma once

#include <memory>

#include "api/dialect.h"
#include "api/generation.h"

namespace jevons {

/// `request`: of parse_openai_chat().
[[nodiscard]] std::unique_ptr<ResponseWriter> openai_chat_stream(const GenerationRequest& request,
                                                                 const ResponseContext& context);
[[nodiscard]] std::unique_ptr<ResponseWriter> openai_chat_body(const GenerationRequest& request,
                                                               const ResponseContext& context);

}  // namespace jevons
