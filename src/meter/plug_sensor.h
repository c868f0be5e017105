// A smart plug, or any HTTP source of JSON, asked once a second.
#pragma once

#include <chrono>
#include <memory>

#include "meter/energy_sensor.h"
#include "meter/plug_address.h"

namespace jevons {

struct PlugTimes {
  std::chrono::milliseconds period{1000};
  std::chrono::milliseconds timeout{2000};  // of one question
};

/// Asks nothing yet. read() takes as long as the plug does, `timeout` at most; redirections are not
/// followed, and answers beyond 64 kB not read.
[[nodiscard]] Result<std::unique_ptr<EnergySensor>> open_plug(const PlugAddress& address,
                                                              const PlugTimes& times = {});

}  // namespace jevons
