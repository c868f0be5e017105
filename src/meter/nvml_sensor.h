// NVIDIA's management library, loaded when it is wanted: nothing is linked, and a machine without
// it only lacks the sensor.
//
// nvmlDeviceGetTotalEnergyConsumption is millijoules since the driver was loaded (Volta and later),
// nvmlDeviceGetPowerUsage milliwatts (NVML API reference).
#pragma once

#include <memory>
#include <string>

#include "meter/energy_sensor.h"

namespace jevons {

/// All cards together; their energy counters if every one has them, else their powers. `library`:
/// as dlopen() takes it. Errors: no library, no driver, no card, none that can be measured.
[[nodiscard]] Result<std::unique_ptr<EnergySensor>> open_nvml(
    const std::string& library = "libnvidia-ml.so.1");

}  // namespace jevons
