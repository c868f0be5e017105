// What the system's clock says, in whole units since 1970, UTC. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace jevons {

[[nodiscard]] inline std::int64_t unix_milliseconds() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}
[[nodiscard]] inline std::int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace jevons
