// The signals that a service lives with, as a queue of events for the main thread. Signals exist
// once per process; one object at a time, made before any other thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace jevons {

class ServiceSignals {
 public:
  /// From here on SIGTERM, SIGINT and SIGHUP wait for next(), in all threads started later; SIGPIPE
  /// is ignored.
  ServiceSignals();
  ServiceSignals(const ServiceSignals&) = delete;
  ServiceSignals& operator=(const ServiceSignals&) = delete;

  enum class Event : std::uint8_t { kStop, kReload, kWoken, kTimeout };
  /// Main thread. Waits, `most` at most.
  [[nodiscard]] static Event next(std::chrono::milliseconds most);
  /// Any thread: next() returns kWoken.
  static void wake();
  /// Main thread, after kStop: another SIGTERM or SIGINT ends the program at once.
  static void exit_on_next();
};

}  // namespace jevons
