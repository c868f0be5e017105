// Recorded expert choices in a file, to be forced on another run. Any thread.
//
// JSON: {"n_layers": L, "n_used": k, "experts": [layer][token][rank]}; other keys are ignored. Also
// read: {"seq": [[layer, [experts]], ...]} as tracing programs write it, one entry for each layer
// of each pass; passes over several tokens at once (more than k experts) are left out. And the
// lines of --trace (docs/FORMATS.md), where every token of every pass counts.
#pragma once

#include <string>

#include "base/result.h"
#include "model/routing_trace.h"
#include "weights/model_config.h"

namespace jevons {

/// Checked against the shape of the network. Errors name the file and the place in it.
[[nodiscard]] Result<RoutingTrace> read_routing(const std::string& path, const ModelConfig& config);

[[nodiscard]] Result<void> write_routing(const std::string& path, const RoutingTrace& trace);

}  // namespace jevons
