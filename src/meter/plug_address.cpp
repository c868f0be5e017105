#include "meter/plug_address.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::json;

constexpr double kJoulesPerWattHour = 3600;
constexpr std::size_t kLongestExcerpt = 80;

constexpr std::pair<const char*, EnergyUnit> kUnits[] = {{"W", EnergyUnit::kW},
                                                         {"kW", EnergyUnit::kKilowatt},
                                                         {"Wh", EnergyUnit::kWh},
                                                         {"kWh", EnergyUnit::kKilowattHour},
                                                         {"J", EnergyUnit::kJ}};

struct Preset {
  std::string_view name;
  std::string_view path;  // behind the host
  std::string_view pointer;
};
// Shelly: "Switch.GetStatus" of the Gen2+ API, apower in W; "/meter/0" of the Gen1 API, power in W.
// Tasmota: the command Status 10, which answers with the sensors; Power in W.
constexpr Preset kPresets[] = {
    {"shelly", "/rpc/Switch.GetStatus?id=0", "/apower"},
    {"shelly1", "/meter/0", "/power"},
    {"tasmota", "/cm?cmnd=Status%2010", "/StatusSNS/ENERGY/Power"},
};
constexpr std::string_view kHomeAssistant = "homeassistant:";

bool is_url(std::string_view text) {
  return text.starts_with("http://") || text.starts_with("https://");
}

// The preset that a text begins with, and what stands behind its colon.
std::optional<std::pair<Preset, std::string_view>> preset_of(std::string_view text) {
  for (const Preset& preset : kPresets) {
    if (text.starts_with(preset.name) && text.size() > preset.name.size() &&
        text[preset.name.size()] == ':') {
      return std::pair(preset, text.substr(preset.name.size() + 1));
    }
  }
  return std::nullopt;
}

Result<PlugAddress> home_assistant(std::string_view rest) {
  const std::size_t slash = rest.rfind('/');
  const bool has_entity = is_url(rest) && slash != std::string_view::npos && slash > 8 &&
                          rest.find('.', slash) != std::string_view::npos;
  if (!has_entity) {
    return fail(
        "'{}{}' must be homeassistant:URL/ENTITY, as "
        "homeassistant:http://ha.local:8123/sensor.desk_power",
        kHomeAssistant, without_secrets(rest));
  }
  PlugAddress address;
  address.name = "homeassistant";
  address.url = fmt::format("{}/api/states/{}", rest.substr(0, slash), rest.substr(slash + 1));
  address.pointer = "/state";
  return address;
}

Result<PlugAddress> by_preset(std::string_view text) {
  if (text.starts_with(kHomeAssistant)) return home_assistant(text.substr(kHomeAssistant.size()));
  PlugAddress address;
  if (const auto found = preset_of(text)) {
    const auto& [preset, host] = *found;
    if (host.empty() || host.find('/') != std::string_view::npos) {
      return fail("'{}' must be {}:HOST, as {}:192.168.1.20", without_secrets(text), preset.name,
                  preset.name);
    }
    address.name = preset.name;
    address.url = fmt::format("http://{}{}", host, preset.path);
    address.pointer = preset.pointer;
    return address;
  }
  address.name = "plug";
  address.url = text;
  return address;
}

std::string excerpt_of(std::string_view body) {
  return utf8_sanitize(body.substr(0, kLongestExcerpt));
}

// A number, or a text that is one: Home Assistant's states are texts.
std::optional<double> number_in(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

Result<EnergyUnit> parse_energy_unit(std::string_view text) {
  for (const auto& [name, unit] : kUnits) {
    if (text == name) return unit;
  }
  return fail("the unit of energy is '{}', and must be W, kW, Wh, kWh or J", utf8_sanitize(text));
}

const char* energy_unit_name(EnergyUnit unit) {
  for (const auto& [name, its_unit] : kUnits) {
    if (unit == its_unit) return name;
  }
  return "?";
}

std::string without_secrets(std::string_view source) {
  std::size_t host = source.find("://");
  if (host != source.npos) {
    host += 3;
  } else {
    const auto found = preset_of(source);
    host = found ? source.size() - found->second.size() : 0;
  }
  std::string_view rest = source.substr(host);
  // A password with a slash or a question mark in it is a mistake of the user, and a password.
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::size_t at = rest.substr(0, end).rfind('@');
  if (at == rest.npos && rest.substr(0, end).find(':') != rest.npos) at = rest.rfind('@');
  if (at != rest.npos) rest.remove_prefix(at + 1);
  rest = rest.substr(0, rest.find_first_of("?#"));
  return utf8_sanitize(fmt::format("{}{}", source.substr(0, host), rest));
}

bool is_plug_address(std::string_view text) {
  return is_url(text) || text.starts_with(kHomeAssistant) || preset_of(text).has_value();
}

Result<PlugAddress> parse_plug_address(std::string_view text, std::string_view pointer,
                                       std::string_view unit) {
  JEVONS_ASSIGN(PlugAddress address, by_preset(text));
  address.place = without_secrets(address.url);
  if (!pointer.empty()) address.pointer = pointer;
  if (address.pointer.empty()) {
    return fail("{} needs a JSON pointer to the number in its answer, as /apower", address.place);
  }
  if (!address.pointer.starts_with('/')) {
    return fail("the JSON pointer is '{}', and must begin with a slash, as /apower",
                utf8_sanitize(address.pointer));
  }
  try {
    [[maybe_unused]] const Json::json_pointer parsed(address.pointer);
  } catch (const Json::exception&) {
    return fail("'{}' is no JSON pointer: ~ is written ~0, and / within a name ~1",
                utf8_sanitize(address.pointer));
  }
  if (!unit.empty()) {
    JEVONS_ASSIGN(address.unit, parse_energy_unit(unit));
  }
  return address;
}

Result<EnergyReading> read_plug_answer(const PlugAddress& address, std::string_view body) {
  const Json answer = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (answer.is_discarded()) {
    return fail("{} answered with something that is not JSON: '{}'", address.place,
                excerpt_of(body));
  }
  const Json::json_pointer pointer(address.pointer);
  if (!answer.contains(pointer)) {
    return fail("{} has nothing at {}: '{}'", address.place, address.pointer, excerpt_of(body));
  }
  const Json& value = answer.at(pointer);
  const auto number = number_in(value);
  if (!number) {
    // Not all of it: what is nested deeply cannot be written out without end.
    const std::string what =
        value.is_string() ? fmt::format("'{}'", excerpt_of(value.get_ref<const std::string&>()))
                          : std::string(value.type_name());
    return fail("{} has {} at {}, and must have a number", address.place, what, address.pointer);
  }
  switch (address.unit) {
    case EnergyUnit::kW:
      return checked_watts(*number, address.place);
    case EnergyUnit::kKilowatt:
      return checked_watts(1000 * *number, address.place);
    case EnergyUnit::kWh:
    case EnergyUnit::kKilowattHour:
    case EnergyUnit::kJ:
      break;
  }
  const double per_unit = address.unit == EnergyUnit::kJ    ? 1
                          : address.unit == EnergyUnit::kWh ? kJoulesPerWattHour
                                                            : 1000 * kJoulesPerWattHour;
  const double joules = per_unit * *number;
  if (!std::isfinite(joules) || joules < 0) {
    return fail("{} says {} {}, and must say a finite number, 0 or more", address.place, *number,
                energy_unit_name(address.unit));
  }
  return EnergyReading{std::chrono::steady_clock::now(), EnergyReading::Quantity::kJoules, joules};
}

}  // namespace jevons
