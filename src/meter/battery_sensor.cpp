#include "meter/battery_sensor.h"

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "meter/sysfs_file.h"

namespace jevons {
namespace {

constexpr const char* kFolder = "/sys/class/power_supply";
constexpr double kMicro = 1e-6;
constexpr int kPeriodMs = 1000;

class BatterySensor final : public EnergySensor {
 public:
  explicit BatterySensor(std::vector<std::string> folders) : folders_(std::move(folders)) {}

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    double watts = 0;
    int n_discharging = 0;
    for (const std::string& folder : folders_) {
      const auto status = read_sysfs(folder + "/status");
      if (!status) return std::unexpected(status.error().error());
      if (*status == "Charging") {
        return fail("{} is charging: on mains it does not show what the machine takes", folder);
      }
      if (*status != "Discharging") continue;
      ++n_discharging;
      JEVONS_ASSIGN(const double its_watts, watts_of(folder));
      watts += its_watts;
    }
    if (n_discharging == 0) {
      return fail("{} is not discharging: on mains it does not show what the machine takes",
                  folders_.front());
    }
    return checked_watts(watts, "the battery");
  }

 private:
  // Some firmware counts what flows out as negative.
  static Result<double> watts_of(const std::string& folder) {
    const auto power = read_sysfs_number(folder + "/power_now");
    if (power) return kMicro * std::abs(static_cast<double>(*power));
    if (power.error().kind != SysfsProblem::Kind::kAbsent) {
      return std::unexpected(power.error().error());
    }
    const auto current = read_sysfs_number(folder + "/current_now");
    if (!current) return std::unexpected(current.error().error());
    const auto voltage = read_sysfs_number(folder + "/voltage_now");
    if (!voltage) return std::unexpected(voltage.error().error());
    return kMicro * std::abs(static_cast<double>(*current)) * kMicro *
           static_cast<double>(*voltage);
  }

  SensorFacts facts_{"battery", "battery", EnergyCoverage::kHost, kPeriodMs};
  std::vector<std::string> folders_;
};

}  // namespace

Result<std::unique_ptr<EnergySensor>> open_battery(const std::string& root) {
  const std::string supplies = root + kFolder;
  std::vector<std::string> folders;
  for (const std::string& entry : sysfs_entries(supplies)) {
    std::string folder = fmt::format("{}/{}", supplies, entry);
    if (read_sysfs(folder + "/type").value_or("") != "Battery") continue;
    if (read_sysfs(folder + "/scope").value_or("") == "Device") continue;
    folders.push_back(std::move(folder));
  }
  if (folders.empty()) return fail("{}: no battery", supplies);
  return std::make_unique<BatterySensor>(std::move(folders));
}

}  // namespace jevons
