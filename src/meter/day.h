// Days as people write them. Pure but for the clock; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace jevons {

using Day = std::chrono::sys_days;

/// "2026-02-13".
[[nodiscard]] std::string day_text(Day day);
/// The day, in UTC, of seconds since 1970.
[[nodiscard]] Day day_of(std::int64_t seconds);
/// By the system's clock, in UTC.
[[nodiscard]] Day today();

}  // namespace jevons
