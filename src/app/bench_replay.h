// jevons bench --replay: how many experts would have been in memory. Main thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "convert/routing_generator.h"
#include "weights/model_config.h"

namespace jevons {

/// The routing of a file, or of the generator for "generated[:DRIFT]"; only that has guesses.
/// Errors name the flag or the file.
[[nodiscard]] Result<GeneratedRouting> named_routing(const char* flag, const std::string& name,
                                                     const ModelConfig& config);

/// Returns the exit code. routing: as above. ram_bytes: 0 for usual sizes alone. model: a path,
/// empty for nano; read for its shape only.
int bench_replay(const std::string& routing, std::uint64_t ram_bytes, const std::string& model,
                 bool json);

}  // namespace jevons
