// Reads a sensor that takes its time on a thread of its own, so that whoever wants the latest
// reading never waits.
#pragma once

#include <memory>

#include "meter/energy_sensor.h"

namespace jevons {

/// The sensor itself if it answers promptly, else one whose read() gives the latest reading of it,
/// with the time it was taken. One that fails now and then is bridged by its last good reading for
/// five periods or five seconds, whichever is longer; then, or if there was none, read() is the
/// error. The thread ends with the sensor.
[[nodiscard]] std::unique_ptr<EnergySensor> polled(std::unique_ptr<EnergySensor> sensor);

}  // namespace jevons
