#include "app/residency_settings.h"

#include "app/config/user_folder.h"
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
  return user_folder("XDG_CACHE_HOME", ".cache");
}

}  // namespace jevons
