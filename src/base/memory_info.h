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

/// What the program itself takes beside weights, keys and values and work space: vocabulary,
/// buffers of connections, what the allocator keeps.
inline constexpr std::uint64_t kProgramBytes = std::uint64_t{256} << 20;

/// What stays available to the rest of the system, of `total_bytes` of memory: one part in 32, and
/// half a GiB at least.
[[nodiscard]] constexpr std::uint64_t system_reserve_bytes(std::uint64_t total_bytes) {
  constexpr std::uint64_t kLeast = std::uint64_t{512} << 20;
  constexpr std::uint64_t kShare = 32;
  return total_bytes / kShare > kLeast ? total_bytes / kShare : kLeast;
}

/// What is left of `n_bytes` when `taken` are taken; 0 if they are more.
[[nodiscard]] constexpr std::uint64_t bytes_left(std::uint64_t n_bytes, std::uint64_t taken) {
  return n_bytes > taken ? n_bytes - taken : 0;
}

/// "812 MiB", "3.25 GiB": an amount of memory for people.
[[nodiscard]] std::string memory_text(std::uint64_t n_bytes);

}  // namespace jevons
