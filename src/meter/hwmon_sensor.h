// Power meters and energy counters of the kernel's hardware monitoring, /sys/class/hwmon.
//
// powerN_input and powerN_average are microwatts, energyN_input microjoules (Linux,
// Documentation/hwmon/sysfs-interface.rst).
#pragma once

#include <memory>
#include <string>

#include "meter/energy_sensor.h"

namespace jevons {

/// `chip`: the name of a chip, of which all energies, else all powers are added up; "" takes the
/// first of those that are known to measure the machine (power_meter, macsmc_hwmon) or its
/// processor (amd_energy, zenergy, fam15h_power, zenpower). Graphics cards and disks are not the
/// machine and are taken by name only. Errors name the chips that were found.
[[nodiscard]] Result<std::unique_ptr<EnergySensor>> open_hwmon(const std::string& root,
                                                               const std::string& chip = "");

}  // namespace jevons
