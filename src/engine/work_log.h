// What each step of the engine did for whom, on its way from the engine's thread to a meter.
//
// One thread writes and one reads; neither waits for the other, and nothing is allocated after the
// log was made.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/completion.h"

namespace jevons {

class WorkLog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `capacity`: shares that can wait for the reader, a power of two. What comes beyond is lost,
  /// and counted.
  explicit WorkLog(std::size_t capacity = std::size_t{1} << 14);

  // The writer.
  /// Returns when the step begins: after everybody can see that one is about to.
  [[nodiscard]] Time begin_step();
  void add(const WorkShare& share);
  /// After the shares of the step.
  void end_step();

  // The reader.
  /// Appends what was added since the last call, in order. Returns until when nothing is missing.
  WorkHorizon take(std::vector<WorkShare>& shares);

 private:
  std::vector<WorkShare> ring_;
  alignas(64) std::atomic<std::uint64_t> n_written_{0};
  alignas(64) std::atomic<std::uint64_t> n_read_{0};
  std::atomic<std::uint64_t> n_lost_{0};
  std::atomic<Time::rep> running_since_{0};  // 0: no step runs
};

}  // namespace jevons
