// Writes a response of the Responses dialect, as one object or as a stream of events. Both are
// made by the same fold of what happens, so a stream's last event carries the same object.
#pragma once

#include <memory>

#include "api/dialect.h"
#include "api/openai_responses_request.h"
#include "api/stored_responses.h"

namespace jevons {

/// `request`: parsed by parse_responses_request().
[[nodiscard]] std::unique_ptr<ResponseWriter> make_responses_writer(
    const GenerationRequest& request, const ResponseContext& context,
    std::shared_ptr<StoredResponses> stored);

}  // namespace jevons
