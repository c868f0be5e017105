#include "meter/hwmon_sensor.h"

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <utility>
#include <vector>

#include "meter/sysfs_file.h"

namespace jevons {
namespace {

constexpr const char* kFolder = "/sys/class/hwmon";
constexpr double kMicro = 1e-6;
// Meters on the board give a new figure about once a second.
constexpr int kPowerPeriodMs = 250;

struct KnownChip {
  const char* name;
  EnergyCoverage coverage;
  const char* label;  // only channels whose label begins so; "": all
};
constexpr KnownChip kKnown[] = {
    {"power_meter", EnergyCoverage::kHost, ""},
    {"macsmc_hwmon", EnergyCoverage::kHost, "Total System Power"},
    // Sockets hold their cores, which are listed beside them.
    {"amd_energy", EnergyCoverage::kPart, "Esocket"},
    {"zenergy", EnergyCoverage::kPart, "Esocket"},
    {"fam15h_power", EnergyCoverage::kPart, ""},
    {"zenpower", EnergyCoverage::kPart, ""},
};

const KnownChip* known_chip(const std::string& name) {
  for (const KnownChip& chip : kKnown) {
    if (name == chip.name) return &chip;
  }
  return nullptr;
}

// "power1" of "power1_average"; empty if the file is of another kind.
std::string channel_of(const std::string& file, const std::string& kind, const std::string& what) {
  if (!file.starts_with(kind) || !file.ends_with(what)) return "";
  const std::string number = file.substr(kind.size(), file.size() - kind.size() - what.size());
  for (const char c : number) {
    if (std::isdigit(static_cast<unsigned char>(c)) == 0) return "";
  }
  return number.empty() ? "" : kind + number;
}

// The paths of one kind of value, one for each channel.
std::vector<std::string> values_of(const std::string& folder, const std::string& kind,
                                   const std::string& label) {
  std::vector<std::string> paths, channels;
  for (const char* what : {"_average", "_input"}) {
    for (const std::string& file : sysfs_entries(folder, kind)) {
      const std::string channel = channel_of(file, kind, what);
      if (channel.empty() || std::ranges::find(channels, channel) != channels.end()) continue;
      const auto its_label = read_sysfs(fmt::format("{}/{}_label", folder, channel));
      if (!label.empty() && !its_label.value_or("").starts_with(label)) continue;
      channels.push_back(channel);
      paths.push_back(fmt::format("{}/{}", folder, file));
    }
  }
  return paths;
}

class HwmonSensor final : public EnergySensor {
 public:
  HwmonSensor(SensorFacts facts, EnergyReading::Quantity quantity, std::vector<std::string> paths)
      : facts_(std::move(facts)), quantity_(quantity), paths_(std::move(paths)) {}

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    double sum = 0;
    for (const std::string& path : paths_) {
      const auto micro = read_sysfs_number(path);
      if (!micro) return std::unexpected(micro.error().error());
      sum += kMicro * static_cast<double>(*micro);
    }
    if (quantity_ == EnergyReading::Quantity::kWatts) return checked_watts(sum, facts_.what);
    if (sum < last_joules_) {
      const double before = std::exchange(last_joules_, sum);
      return fail("{} fell from {} to {} J", facts_.what, before, sum);
    }
    last_joules_ = sum;
    return EnergyReading{std::chrono::steady_clock::now(), quantity_, sum};
  }

 private:
  SensorFacts facts_;
  EnergyReading::Quantity quantity_;
  std::vector<std::string> paths_;
  double last_joules_ = 0;
};

Result<std::unique_ptr<EnergySensor>> open_chip(const std::string& folder,
                                                const std::string& name) {
  const KnownChip* known = known_chip(name);
  const std::string label = known != nullptr ? known->label : "";
  auto quantity = EnergyReading::Quantity::kJoules;
  std::vector<std::string> paths = values_of(folder, "energy", label);
  if (paths.empty()) {
    quantity = EnergyReading::Quantity::kWatts;
    paths = values_of(folder, "power", label);
  }
  if (paths.empty()) return fail("{} ({}) has neither energy nor power", folder, name);
  SensorFacts facts{"hwmon:" + name, "hwmon " + name, EnergyCoverage::kPart, 1};
  if (known != nullptr) facts.coverage = known->coverage;
  if (quantity == EnergyReading::Quantity::kWatts) facts.period_ms = kPowerPeriodMs;
  auto sensor = std::make_unique<HwmonSensor>(std::move(facts), quantity, std::move(paths));
  JEVONS_TRY(sensor->read());
  return sensor;
}

}  // namespace

Result<std::unique_ptr<EnergySensor>> open_hwmon(const std::string& root, const std::string& chip) {
  const std::string hwmon = root + kFolder;
  std::string found, problem;
  std::vector<std::pair<std::string, std::string>> chips;  // name, folder
  for (const std::string& entry : sysfs_entries(hwmon, "hwmon")) {
    const std::string folder = fmt::format("{}/{}", hwmon, entry);
    const std::string name = read_sysfs(folder + "/name").value_or("");
    chips.emplace_back(name, folder);
    if (!name.empty()) found += (found.empty() ? "" : ", ") + name;
  }
  std::vector<std::string> wanted;
  if (!chip.empty()) wanted.push_back(chip);
  for (const KnownChip& known : kKnown) {
    if (chip.empty()) wanted.emplace_back(known.name);
  }
  for (const std::string& name : wanted) {
    for (const auto& [its_name, folder] : chips) {
      if (its_name != name) continue;
      auto sensor = open_chip(folder, name);
      if (sensor) return sensor;
      problem = sensor.error().message;
    }
  }
  if (!problem.empty()) return fail("{}", problem);
  return fail("{}: {}{}", hwmon,
              chip.empty() ? "no chip that measures the machine or its processor"
                           : fmt::format("no chip '{}'", chip),
              found.empty() ? "" : fmt::format(" (there are {})", found));
}

}  // namespace jevons
