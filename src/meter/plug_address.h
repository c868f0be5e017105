// Where a smart plug, or any other HTTP source, says in JSON what the machine takes. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "meter/energy_sensor.h"

namespace jevons {

enum class EnergyUnit : std::uint8_t { kW, kKilowatt, kWh, kKilowattHour, kJ };
/// "W", "kW", "Wh", "kWh", "J"; nothing else.
[[nodiscard]] Result<EnergyUnit> parse_energy_unit(std::string_view text);
[[nodiscard]] const char* energy_unit_name(EnergyUnit unit);

struct PlugAddress {
  std::string url;
  std::string place;    // the same without_secrets(), for people
  std::string pointer;  // JSON pointer (RFC 6901) to a number, or a text that is one
  EnergyUnit unit = EnergyUnit::kW;
  std::string token;  // of "Authorization: Bearer"; empty: none
  std::string name;   // "shelly", "plug"; stands in responses as the source
};

/// Fills in URL, pointer and unit:
///   shelly:HOST          Shelly of the second generation and later (Switch.GetStatus)
///   shelly1:HOST         Shelly of the first generation (/meter/0)
///   tasmota:HOST         Tasmota (Status 10)
///   homeassistant:URL/ENTITY  the state of an entity; needs a token
///   http://..., https://...   anything else; needs a pointer
/// Absent pointer and unit ("") are the preset's, else an error and W. Errors say what is missing.
[[nodiscard]] Result<PlugAddress> parse_plug_address(std::string_view text,
                                                     std::string_view pointer,
                                                     std::string_view unit);
/// Whether the text is one of the above by its beginning.
[[nodiscard]] bool is_plug_address(std::string_view text);

/// A source of energy as it may stand in errors, logs and pages: without user and password, and
/// without the query, which some plugs have the password in.
[[nodiscard]] std::string without_secrets(std::string_view source);

/// What an answer of the plug says. Errors: not JSON, nothing at the pointer, no number, a number
/// that cannot be.
[[nodiscard]] Result<EnergyReading> read_plug_answer(const PlugAddress& address,
                                                     std::string_view body);

}  // namespace jevons
