// What systemd wants to hear from a service (Type=notify, WatchdogSec). Nothing happens where there
// is no systemd. Any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace jevons {

/// `state`: lines such as "READY=1" or "STATUS=loading the model".
void notify_service_manager(std::string_view state);

/// How often "WATCHDOG=1" is expected; nothing: never.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_interval();

}  // namespace jevons
