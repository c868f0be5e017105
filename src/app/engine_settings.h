// From settings to what the engine is opened with. Any thread.
#pragma once

#include <string>

#include "app/config/options.h"
#include "base/result.h"
#include "engine/engine.h"

namespace jevons {

/// For commands that run one model for themselves. Errors name the option that is wrong.
[[nodiscard]] Result<EngineOptions> engine_options(const Settings& settings,
                                                   const std::string& model);

}  // namespace jevons
