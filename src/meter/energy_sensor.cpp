#include "meter/energy_sensor.h"

#include <cmath>

namespace jevons {

Result<EnergyReading> checked_watts(double watts, const std::string& of) {
  if (!std::isfinite(watts) || watts < 0 || watts > kMostWatts) {
    return fail("{} says {} W; a machine takes between 0 and {:.0f}", of, watts, kMostWatts);
  }
  return EnergyReading{std::chrono::steady_clock::now(), EnergyReading::Quantity::kWatts, watts};
}

}  // namespace jevons
