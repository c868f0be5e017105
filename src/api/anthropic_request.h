// A body of /v1/messages or /v1/messages/count_tokens as a GenerationRequest. Fields that nobody
// knows are ignored, as clients of many versions need it; the table of those that are known is in
// anthropic_fields.cpp.
#pragma once

#include <string_view>

#include "api/generation.h"
#include "api/request_fields.h"

namespace jevons {

/// `counts_only`: for count_tokens, where max_tokens is not needed.
[[nodiscard]] Parsed<GenerationRequest> read_anthropic_request(std::string_view body,
                                                               bool counts_only);

}  // namespace jevons
