// Keeps the expert cache from taking memory that other programs need: it shrinks before the system
// would have to swap, and grows back when memory has been free for a while.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace jevons {

/// What the system has left. Any thread.
struct MemoryPressure {
  std::uint64_t available_bytes;  // that can be had without swapping
  double stalled_percent = 0;     // of the last 10 s in which some program waited for memory
};
/// From /proc: MemAvailable or what the cgroup has left, and the kernel's pressure figures, where
/// it has them.
[[nodiscard]] MemoryPressure memory_pressure();

/// Decides how much memory the cache may have. Arithmetic alone; one thread.
class MemoryBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// most_bytes: of the cache when nobody else wants memory. least_bytes: what it cannot work
  /// without. reserve_bytes: what is to stay available for others.
  MemoryBudget(std::uint64_t most_bytes, std::uint64_t least_bytes, std::uint64_t reserve_bytes);

  /// What the cache may have from now on. held_bytes: what it has already taken of what it may.
  [[nodiscard]] std::uint64_t next(const MemoryPressure& pressure, std::uint64_t held_bytes,
                                   Time now);
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  const std::uint64_t most_bytes_, least_bytes_, reserve_bytes_;
  std::uint64_t bytes_;
  std::optional<Time> free_since_;
  std::optional<Time> stalled_at_;  // when it last shrank for a stall
};

}  // namespace jevons
