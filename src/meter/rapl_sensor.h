// Energy counters of the processor: Intel's Running Average Power Limit, which AMD's processors
// have too, as Linux shows it under /sys/class/powercap.
//
// energy_uj counts microjoules and wraps around at max_energy_range_uj (Linux,
// Documentation/power/powercap/powercap.rst). Since Linux 5.10 only root may read it.
#pragma once

#include <memory>
#include <string>

#include "meter/energy_sensor.h"

namespace jevons {

/// psys alone where it exists, as it holds the others and the rest of the platform; else every
/// package and its dram. `root`: "" or where a copy of /sys begins. Errors say what was looked for
/// and, of counters that only root may read, how to change that.
[[nodiscard]] Result<std::unique_ptr<EnergySensor>> open_rapl(const std::string& root);

}  // namespace jevons
