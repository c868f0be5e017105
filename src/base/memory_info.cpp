#include "base/memory_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace jevons {
namespace {

constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

std::uint64_t read_number(const char* path, std::uint64_t otherwise) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  return file >> value ? value : otherwise;  // "max" is not a number: no limit
}

}  // namespace

MemoryInfo memory_info() {
  MemoryInfo info{0, 0};
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::uint64_t kilobytes = 0;
  while (file >> name >> kilobytes) {
    if (name == "MemTotal:") info.total_bytes = kilobytes * 1024;
    if (name == "MemAvailable:") info.available_bytes = kilobytes * 1024;
    std::getline(file, unit);
  }
  const std::uint64_t limit = read_number("/sys/fs/cgroup/memory.max", kUnlimited);
  if (limit < info.total_bytes) {
    const std::uint64_t used = read_number("/sys/fs/cgroup/memory.current", 0);
    info.total_bytes = limit;
    info.available_bytes = std::min(info.available_bytes, limit - std::min(limit, used));
  }
  return info;
}

std::string memory_text(std::uint64_t n_bytes) {
  const auto bytes = static_cast<double>(n_bytes);
  if (bytes >= 0x1p30) return fmt::format("{:.2f} GiB", bytes / 0x1p30);
  return fmt::format("{:.{}f} MiB", bytes / 0x1p20, bytes < 0x1p20 ? 2 : 0);
}

}  // namespace jevons
