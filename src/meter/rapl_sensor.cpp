#include "meter/rapl_sensor.h"

#include <cstdint>
#include <utility>
#include <vector>

#include "meter/sysfs_file.h"

namespace jevons {
namespace {

constexpr const char* kFolder = "/sys/class/powercap";
constexpr double kMicro = 1e-6;

struct Zone {
  std::string name;    // "psys", "package-0", "dram"
  std::string folder;  // with its files
};

std::string name_of(const std::string& folder) { return read_sysfs(folder + "/name").value_or(""); }

// "intel-rapl:0" is a zone, "intel-rapl:0:1" a part of it. What the memory-mapped interface has
// ("intel-rapl-mmio:0") is the same package once more.
std::vector<Zone> zones_to_count(const std::string& powercap) {
  std::vector<Zone> psys, packages;
  for (const std::string& entry : sysfs_entries(powercap, "intel-rapl:")) {
    const std::string folder = fmt::format("{}/{}", powercap, entry);
    const std::string name = name_of(folder);
    if (name == "psys") psys.push_back({name, folder});
    if (name.starts_with("package") || name == "dram") packages.push_back({name, folder});
  }
  return psys.empty() ? packages : psys;
}

class Counter {
 public:
  explicit Counter(std::string folder) : folder_(std::move(folder)) {}

  std::expected<void, SysfsProblem> open() {
    const auto range = read_sysfs_number(folder_ + "/max_energy_range_uj");
    if (!range) return std::unexpected(range.error());
    const auto now = read_sysfs_number(folder_ + "/energy_uj");
    if (!now) return std::unexpected(now.error());
    range_uj_ = *range;
    last_uj_ = *now;
    return {};
  }
  // Microjoules since open(). The caller reads often enough that it wraps once at most in between.
  Result<std::int64_t> total_uj() {
    const auto now = read_sysfs_number(folder_ + "/energy_uj");
    if (!now) return std::unexpected(now.error().error());
    if (*now < 0 || (range_uj_ > 0 && *now > range_uj_)) {
      return fail("{}/energy_uj is {}, beyond its range of {}", folder_, *now, range_uj_);
    }
    if (*now < last_uj_ && range_uj_ <= 0) {
      return fail("{}/energy_uj fell from {} to {}, and has no range at which it wraps", folder_,
                  last_uj_, *now);
    }
    total_uj_ += *now >= last_uj_ ? *now - last_uj_ : range_uj_ - last_uj_ + *now;
    last_uj_ = *now;
    return total_uj_;
  }

 private:
  std::string folder_;
  std::int64_t range_uj_ = 0, last_uj_ = 0, total_uj_ = 0;
};

class RaplSensor final : public EnergySensor {
 public:
  RaplSensor(SensorFacts facts, std::vector<Counter> counters)
      : facts_(std::move(facts)), counters_(std::move(counters)) {}

  const SensorFacts& facts() const override { return facts_; }
  Result<EnergyReading> read() override {
    std::int64_t sum_uj = 0;
    for (Counter& counter : counters_) {
      JEVONS_ASSIGN(const std::int64_t uj, counter.total_uj());
      sum_uj += uj;
    }
    return EnergyReading{std::chrono::steady_clock::now(), EnergyReading::Quantity::kJoules,
                         kMicro * static_cast<double>(sum_uj)};
  }

 private:
  SensorFacts facts_;
  std::vector<Counter> counters_;
};

}  // namespace

Result<std::unique_ptr<EnergySensor>> open_rapl(const std::string& root) {
  const std::string powercap = root + kFolder;
  const std::vector<Zone> zones = zones_to_count(powercap);
  if (zones.empty()) {
    return fail("{}/intel-rapl:*: there are none (a virtual machine, or no driver intel_rapl_msr)",
                powercap);
  }
  std::vector<Counter> counters;
  SensorFacts facts{"rapl", "RAPL", EnergyCoverage::kPart, 1};
  const char* separator = " ";
  for (const Zone& zone : zones) {
    Counter counter(zone.folder);
    if (const auto opened = counter.open(); !opened) {
      if (opened.error().kind != SysfsProblem::Kind::kForbidden) {
        return std::unexpected(opened.error().error());
      }
      return fail(
          "{}; only root may read it. To let everyone (until the next start): "
          "sudo chmod a+r {}/intel-rapl*/energy_uj; for good: docs/METER.md",
          opened.error().message, kFolder);
    }
    counters.push_back(std::move(counter));
    facts.what += separator + zone.name;
    separator = ", ";
    if (zone.name == "psys") facts.coverage = EnergyCoverage::kHost;
  }
  return std::make_unique<RaplSensor>(std::move(facts), std::move(counters));
}

}  // namespace jevons
