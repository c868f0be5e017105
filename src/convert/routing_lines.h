// The lines of a routing trace (docs/FORMATS.md) put together to tokens. Any thread.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/routing_trace.h"
#include "weights/model_config.h"

namespace jevons {

/// Passes that were given up or cut off are left out, and so is a line that was being written when
/// the program ended. Errors name the line.
[[nodiscard]] Result<RoutingTrace> parse_routing_lines(std::string_view text,
                                                       const ModelConfig& config);

}  // namespace jevons
