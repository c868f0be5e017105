// Where the time of a pass through the network goes. Plain data and a stopwatch; the owner's
// thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace jevons {

/// Seconds of the owner's thread. The stages add up to the whole; `waiting` is part of them.
struct StageTimes {
  double projections = 0;  // of queries, keys, values and the attention's output, and their norms
  double attention = 0;
  double router = 0;
  double experts = 0;
  double head = 0;              // the last norm and the logits
  double embedding = 0;         // and what else comes before the first layer
  double waiting = 0;           // for the other threads to finish their share of a loop
  std::uint64_t n_loops = 0;    // that were divided among threads
  std::uint64_t n_experts = 0;  // that were run, each once for all tokens of its batch

  [[nodiscard]] double total() const {
    return projections + attention + router + experts + head + embedding;
  }
};

/// Gives the time since the last lap to a stage. Costs nothing when nobody asks.
class StageClock {
 public:
  /// Null: off.
  void restart(StageTimes* into) {
    into_ = into;
    if (into_ != nullptr) last_ = Clock::now();
  }
  void lap(double StageTimes::* stage) {
    if (into_ == nullptr) return;
    const auto now = Clock::now();
    into_->*stage += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  StageTimes* into_ = nullptr;
  Clock::time_point last_{};
};

}  // namespace jevons
