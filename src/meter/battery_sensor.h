// What the batteries of the machine give while it runs on them, /sys/class/power_supply.
//
// power_now is microwatts; where it is missing, current_now (microamperes) times voltage_now
// (microvolts) (Linux, Documentation/ABI/testing/sysfs-class-power).
#pragma once

#include <memory>
#include <string>

#include "meter/energy_sensor.h"

namespace jevons {

/// All batteries together; those of mice and headphones are not the machine's. Opens on mains too:
/// reading is an error then, as a battery that is not discharging does not show what the machine
/// takes.
[[nodiscard]] Result<std::unique_ptr<EnergySensor>> open_battery(const std::string& root);

}  // namespace jevons
