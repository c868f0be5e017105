// How much memory this process may take, from the kernel's own figures. Any thread may call.
#pragma once

#include <cstdint>
#include <string>

namespace jevons {

struct MemoryInfo {
  std::uint64_t total_bytes;      // of the machine, or of the cgroup if that is less
  std::uint64_t available_bytes;  // without swapping: MemAvailable, or what the cgroup has left
};

[[nodiscard]] MemoryInfo memory_info();

/// "812 MiB", "3.25 GiB": an amount of memory for people.
[[nodiscard]] std::string memory_text(std::uint64_t n_bytes);

}  // namespace jevons
