#include "app/recording.h"

namespace jevons {

Result<std::unique_ptr<RoutingRecorder>> recorder_of(const Settings& settings) {
  if (settings.trace.empty()) return nullptr;
  return RoutingRecorder::create(settings.trace);
}

Result<void> check_recording(RoutingRecorder* recorder) {
  if (recorder == nullptr) return {};
  if (auto problem = recorder->take_problem()) return std::unexpected(*std::move(problem));
  return {};
}

}  // namespace jevons
