// Finds what can measure the machine, and says what was looked for where nothing can. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "meter/energy_sensor.h"

namespace jevons {

struct SensorWish {
  /// "auto", "off", "rapl", "hwmon", "hwmon:CHIP", "battery", "nvml", or the address of a plug
  /// (meter/plug_address.h).
  std::string source = "auto";
  std::string pointer{}, unit{}, token{};  // of a plug
  std::string root{};                      // "" or where a copy of /sys begins
  std::string nvml_library = "libnvidia-ml.so.1";
};

struct FoundSensors {
  std::vector<std::unique_ptr<EnergySensor>> sensors;  // ready to be read promptly; may be empty
  /// One sentence for each kind that was looked for and cannot be used: what, where, why, and what
  /// to do about it.
  std::vector<std::string> missing;
};

/// "auto" takes the first that can be read now of RAPL, hardware monitoring and a battery that is
/// discharging; with cards (NVML) added to sensors of the processor alone. Nothing at all is no
/// error then. What is wished for by name and cannot be used is one.
[[nodiscard]] Result<FoundSensors> find_sensors(const SensorWish& wish);

}  // namespace jevons
