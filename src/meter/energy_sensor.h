// What can say how much energy the machine takes. Each kind of counter is one file that implements
// this; src/meter/sensor_search.h finds those that are here.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace jevons {

/// What of the machine a figure covers.
enum class EnergyCoverage : std::uint8_t {
  kHost,  // all of it, as far as the sensor's place allows: platform, battery or plug
  kPart,  // some parts: processor and memory, say
};

struct SensorFacts {
  std::string name;  // "rapl", "hwmon:power_meter", "plug"; stands in responses as the source
  std::string what;  // for people: "RAPL psys", "RAPL package-0, dram"
  EnergyCoverage coverage = EnergyCoverage::kPart;
  /// How often it has something new, as a rule. Above `kPromptSensorMs` it may also take its time
  /// to answer, and is read by a thread of its own (src/meter/polled_sensor.h).
  int period_ms = 1;
};
inline constexpr int kPromptSensorMs = 20;

/// One of the two.
struct EnergyReading {
  enum class Quantity : std::uint8_t {
    kJoules,  // since some beginning; never falls while the sensor is open
    kWatts,   // at the moment
  };
  std::chrono::steady_clock::time_point at{};
  Quantity quantity = Quantity::kJoules;
  double value = 0;  // finite, not negative
};

/// One thread.
class EnergySensor {
 public:
  EnergySensor() = default;
  EnergySensor(const EnergySensor&) = delete;
  EnergySensor& operator=(const EnergySensor&) = delete;
  virtual ~EnergySensor() = default;

  [[nodiscard]] virtual const SensorFacts& facts() const = 0;
  /// Errors name the file or the address, what was there, and what would have been right. After an
  /// error the sensor may be read again: a plug comes back.
  [[nodiscard]] virtual Result<EnergyReading> read() = 0;
};

/// More than any machine at home takes; a figure beyond it is a mistake of its sensor.
inline constexpr double kMostWatts = 20'000;
/// A reading of power, or an error that says of what.
[[nodiscard]] Result<EnergyReading> checked_watts(double watts, const std::string& of);

}  // namespace jevons
