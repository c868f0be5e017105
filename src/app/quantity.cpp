#include "app/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const auto refuse = [&] {
    return fail("'{}' is not a size, such as 500M, 1.5GB or 20GiB", std::string(text));
  };
  double value = 0;
  const auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (problem != std::errc{} || !(value >= 0)) return refuse();
  std::string_view unit = text.substr(static_cast<std::size_t>(rest - text.data()));
  double factor = 1;
  constexpr std::string_view kPrefixes = "KMGT", kSmallPrefixes = "kmgt";
  const std::size_t prefix = unit.empty()
                                 ? std::string_view::npos
                                 : std::min(kPrefixes.find(unit[0]), kSmallPrefixes.find(unit[0]));
  if (prefix != std::string_view::npos) {
    const auto power = static_cast<double>(prefix + 1);
    const bool is_binary = unit.size() > 1 && unit[1] == 'i';
    factor = std::pow(is_binary ? 1024.0 : 1000.0, power);
    unit.remove_prefix(is_binary ? 2 : 1);
  }
  if (!unit.empty() && unit != "B") return refuse();
  const double n_bytes = value * factor;
  if (!(n_bytes < 1e18)) return refuse();
  return static_cast<std::uint64_t>(n_bytes);
}

}  // namespace jevons
