// --trace: where the experts that tokens take are recorded. Main thread.
#pragma once

#include <memory>

#include "app/config/options.h"
#include "base/result.h"
#include "model/routing_recorder.h"

namespace jevons {

/// Null if the settings ask for none.
[[nodiscard]] Result<std::unique_ptr<RoutingRecorder>> recorder_of(const Settings& settings);

/// Whether everything up to now was recorded; `recorder` may be null.
[[nodiscard]] Result<void> check_recording(RoutingRecorder* recorder);

}  // namespace jevons
