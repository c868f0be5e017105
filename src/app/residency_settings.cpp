#include "app/residency_settings.h"

#include <cstdlib>

#include "app/quantity.h"

namespace jevons {

Result<std::uint64_t> ram_bytes_of(const Settings& settings) {
  if (settings.ram.empty()) return 0;
  const auto size = parse_bytes(settings.ram);
  if (!size) return fail("--ram: {}", size.error().message);
  if (*size == 0) return fail("--ram must be above 0");
  return *size;
}

std::string statistics_folder_of(const Settings& settings) {
  if (!settings.cache_dir.empty()) return settings.cache_dir;
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg != nullptr && *xdg == '/') {
    return std::string(xdg) + "/jevons";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::string(home) + "/.cache/jevons";
  }
  return "";
}

}  // namespace jevons
