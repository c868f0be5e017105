// Joules of the machine, from the readings of its sensors. One thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "meter/energy_sensor.h"

namespace jevons {

/// One sensor's energy as a function of time that never falls.
///
/// Of a counter, its differences. Of powers P_i read at times t_i: between two readings
/// (P_i + P_i+1) / 2 x (t_i+1 - t_i); behind the last one that power holds, and what came out too
/// high by that is taken from what follows.
class EnergyIntegral {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// A reading; the same one may be given again. Errors: a counter that fell, or that ran faster
  /// than any machine (kMostWatts). After an error, or after forget(), time begins anew with the
  /// next reading.
  [[nodiscard]] Result<void> add(const EnergyReading& reading);
  void forget() { last_.reset(); }
  /// Since the first reading. `now`: not before the last one.
  [[nodiscard]] double joules_at(Time now);

 private:
  std::optional<EnergyReading> last_;
  double joules_ = 0;  // up to last_
  double shown_ = 0;   // the most that joules_at() gave
};

/// The sum of several sensors and of a constant that they miss.
class HostEnergy {
 public:
  using Time = EnergyIntegral::Time;

  /// `extra_watts`: what the user states that the sensors do not see.
  HostEnergy(std::vector<std::unique_ptr<EnergySensor>> sensors, double extra_watts);

  /// Joules since the sample before; nothing of the first sample and of the first after a gap. An
  /// error: a sensor cannot be read, and nothing is known of this time.
  [[nodiscard]] Result<std::optional<double>> sample(Time now);

  /// "rapl", "rapl+nvml"
  [[nodiscard]] const std::string& source() const { return source_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] EnergyCoverage coverage() const { return coverage_; }
  /// Of the slowest sensor.
  [[nodiscard]] int period_ms() const { return period_ms_; }

 private:
  struct Input {
    std::unique_ptr<EnergySensor> sensor;
    EnergyIntegral integral{};
  };
  [[nodiscard]] Result<double> total(Time now);

  std::vector<Input> inputs_;
  double extra_watts_;
  std::string source_, what_;
  EnergyCoverage coverage_ = EnergyCoverage::kPart;
  int period_ms_ = 1;
  std::optional<std::pair<Time, double>> last_;  // sample
};

}  // namespace jevons
