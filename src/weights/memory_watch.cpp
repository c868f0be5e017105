#include "weights/memory_watch.h"

#include <algorithm>
#include <fstream>
#include <string>

#include "base/memory_info.h"

namespace jevons {
namespace {

// Memory must have been free for so long before the cache grows: what another program gives back
// and takes again within seconds is left to it.
constexpr auto kPatience = std::chrono::seconds(5);
constexpr double kStalledPercent = 10;
// Shrunk by so much when programs wait for memory though some seems to be available.
constexpr double kStallShare = 0.05;
constexpr auto kStallPause = std::chrono::seconds(2);

// "some avg10=0.00 avg60=0.00 ..."; 0 where the kernel does not say.
double stalled_percent() {
  std::ifstream file("/proc/pressure/memory");
  std::string some, average;
  if (!(file >> some >> average) || !average.starts_with("avg10=")) return 0;
  return std::strtod(average.c_str() + 6, nullptr);
}

}  // namespace

MemoryPressure memory_pressure() { return {memory_info().available_bytes, stalled_percent()}; }

MemoryBudget::MemoryBudget(std::uint64_t most_bytes, std::uint64_t least_bytes,
                           std::uint64_t reserve_bytes)
    : most_bytes_(std::max(most_bytes, least_bytes)),
      least_bytes_(least_bytes),
      reserve_bytes_(reserve_bytes),
      bytes_(most_bytes_) {}

std::uint64_t MemoryBudget::next(const MemoryPressure& pressure, std::uint64_t held_bytes,
                                 Time now) {
  // What the cache may still take counts as taken.
  const std::uint64_t to_take = bytes_left(bytes_, held_bytes);
  const std::uint64_t left = bytes_left(pressure.available_bytes, to_take);
  const bool is_stalled = pressure.stalled_percent >= kStalledPercent;
  if (left < reserve_bytes_) {
    free_since_.reset();
    const std::uint64_t wanted = reserve_bytes_ + to_take - pressure.available_bytes;
    bytes_ = std::max(least_bytes_, bytes_left(bytes_, wanted));
  } else if (is_stalled) {
    free_since_.reset();
    if (!stalled_at_ || now - *stalled_at_ >= kStallPause) {
      stalled_at_ = now;
      bytes_ = std::max(least_bytes_,
                        bytes_left(bytes_, static_cast<std::uint64_t>(
                                               kStallShare * static_cast<double>(most_bytes_))));
    }
  } else if (left > reserve_bytes_ + reserve_bytes_ / 2 && bytes_ < most_bytes_) {
    if (!free_since_) free_since_ = now;
    if (now - *free_since_ >= kPatience) {
      bytes_ = std::min(most_bytes_, bytes_ + left - reserve_bytes_ - reserve_bytes_ / 2);
    }
  } else {
    free_since_.reset();
  }
  return bytes_;
}

}  // namespace jevons
