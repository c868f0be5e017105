#include "meter/sensor_search.h"

#include <functional>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "meter/battery_sensor.h"
#include "meter/hwmon_sensor.h"
#include "meter/nvml_sensor.h"
#include "meter/plug_sensor.h"
#include "meter/polled_sensor.h"
#include "meter/rapl_sensor.h"

namespace jevons {
namespace {

using Opened = Result<std::unique_ptr<EnergySensor>>;

constexpr std::string_view kChip = "hwmon:";

Opened open_named(const SensorWish& wish) {
  const std::string& source = wish.source;
  if (source == "rapl") return open_rapl(wish.root);
  if (source == "hwmon") return open_hwmon(wish.root);
  if (source.starts_with(kChip)) return open_hwmon(wish.root, source.substr(kChip.size()));
  if (source == "battery") return open_battery(wish.root);
  if (source == "nvml") return open_nvml(wish.nvml_library);
  if (is_plug_address(source)) {
    JEVONS_ASSIGN(PlugAddress address, parse_plug_address(source, wish.pointer, wish.unit));
    address.token = wish.token;
    return open_plug(address);
  }
  return fail(
      "'{}' is no source of energy; there are auto, off, rapl, hwmon, hwmon:CHIP, battery, nvml, "
      "shelly:HOST, shelly1:HOST, tasmota:HOST, homeassistant:URL/ENTITY and http://...",
      without_secrets(source));
}

// A battery on mains opens and cannot be read.
Opened readable(Opened opened) {
  if (!opened) return opened;
  if (auto reading = (*opened)->read(); !reading) {
    return std::unexpected(std::move(reading).error());
  }
  return opened;
}

FoundSensors find_any(const SensorWish& wish) {
  FoundSensors found;
  const auto try_one = [&](const char* kind, Opened opened) {
    if (!opened) {
      found.missing.push_back(fmt::format("{}: {}", kind, opened.error().message));
      return false;
    }
    found.sensors.push_back(polled(*std::move(opened)));
    return true;
  };
  const bool has_host = try_one("RAPL", open_rapl(wish.root)) ||
                        try_one("hwmon", open_hwmon(wish.root)) ||
                        try_one("battery", readable(open_battery(wish.root)));
  const bool is_whole =
      has_host && found.sensors.front()->facts().coverage == EnergyCoverage::kHost;
  // Cards alone say too little of a machine that computes on its processor.
  if (!is_whole) {
    Opened cards = open_nvml(wish.nvml_library);
    if (has_host && cards) {
      found.sensors.push_back(polled(*std::move(cards)));
    } else if (!has_host) {
      found.missing.push_back(
          cards ? std::string("NVML: there is a card, but it is not the whole machine "
                              "(--energy nvml counts it alone)")
                : fmt::format("NVML: {}", cards.error().message));
    }
  }
  if (!found.sensors.empty()) found.missing.clear();
  return found;
}

}  // namespace

Result<FoundSensors> find_sensors(const SensorWish& wish) {
  const bool is_plug = is_plug_address(wish.source);
  if (!is_plug && (!wish.pointer.empty() || !wish.unit.empty() || !wish.token.empty())) {
    return fail(
        "--energy-pointer, --energy-unit and --energy-token are of a plug, and --energy is "
        "'{}'",
        without_secrets(wish.source));
  }
  if (wish.source == "off") return FoundSensors{};
  if (wish.source == "auto") return find_any(wish);
  auto opened = open_named(wish);
  if (!opened) return fail("--energy {}: {}", without_secrets(wish.source), opened.error().message);
  FoundSensors found;
  found.sensors.push_back(polled(*std::move(opened)));
  return found;
}

}  // namespace jevons
