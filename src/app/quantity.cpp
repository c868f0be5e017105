#include "app/quantity.h"

#include <fmt/format.h>

#include <cmath>

namespace jevons {
namespace {

// Three significant digits of a number below a thousand.
std::string three_digits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

std::string with_unit(double value, const char* const* units, int n_units) {
  int unit = 0;
  // 999.6 would be shown as 1000: the next unit says it better.
  while (value >= 999.5 && unit + 1 < n_units) {
    value /= 1000;
    ++unit;
  }
  return three_digits(value) + " " + units[unit];
}

}  // namespace

std::string bytes_text(double n_bytes) {
  static constexpr const char* kUnits[] = {"kB", "MB", "GB", "TB"};
  if (n_bytes < 1000) return fmt::format("{:.0f} B", n_bytes);
  return with_unit(n_bytes / 1e3, kUnits, 4);
}

std::string count_text(double n) {
  static constexpr const char* kUnits[] = {"k", "M", "B", "T"};
  if (n < 10'000) return fmt::format("{:.0f}", n);
  return with_unit(n / 1e3, kUnits, 4);
}

}  // namespace jevons
