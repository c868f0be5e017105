// Any answer of a plug, at any pointer, in every unit: an error that names the place, or a figure
// that a machine can have. The first line is the pointer.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "meter/plug_address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jevons;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = text.find('\n');
  const std::string_view pointer = text.substr(0, end);
  const std::string_view body = end == text.npos ? "" : text.substr(end + 1);
  for (const char* unit : {"W", "kW", "Wh", "kWh", "J"}) {
    const auto address = parse_plug_address("http://plug/status", pointer, unit);
    if (!address) {
      JEVONS_CHECK(!address.error().message.empty());
      return 0;
    }
    const auto reading = read_plug_answer(*address, body);
    if (!reading) {
      JEVONS_CHECK(reading.error().message.starts_with("http://plug/status "));
      continue;
    }
    JEVONS_CHECK(std::isfinite(reading->value) && reading->value >= 0);
    if (reading->quantity == EnergyReading::Quantity::kWatts) {
      JEVONS_CHECK(reading->value <= kMostWatts);
    }
  }
  return 0;
}
