// From the settings of `jevons serve` to what the server and the engine take. Any thread.
#pragma once

#include "api/api_server.h"
#include "app/config/options.h"
#include "base/result.h"
#include "engine/engine.h"

namespace jevons {

/// Reads the files that the settings name. Errors name the option.
[[nodiscard]] Result<ApiServerOptions> server_options(const Settings& settings,
                                                      const std::string& model_path);
[[nodiscard]] Result<EngineOptions> serving_engine_options(const Settings& settings,
                                                           const std::string& model_path);
/// --api-key or --api-keys.
[[nodiscard]] Result<ApiKeys> api_keys_of(const Settings& settings);

}  // namespace jevons
