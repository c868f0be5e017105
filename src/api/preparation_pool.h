// The threads on which requests become work for the engine, and how long their work takes.
//
// Reading a body is quick, and only then is it known how the client wants to wait; a long prompt or
// a large schema takes seconds. So the two have threads of their own: however much waits to be
// planned, the next request is read at once, and its client can be told that it is.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>

#include "api/http_server.h"

namespace jevons {

/// Any thread.
class PreparationPool {
 public:
  explicit PreparationPool(int n_threads);
  PreparationPool(const PreparationPool&) = delete;
  PreparationPool& operator=(const PreparationPool&) = delete;
  ~PreparationPool();

  enum class Stage : std::uint8_t { kRead, kPlan };
  /// `job` must end soon once nobody waits for it, also if that was so before its turn came.
  void post(Stage stage, std::function<void()> job);

  [[nodiscard]] PreparationLoad load() const;

  /// Waits for all jobs, so first make sure that nobody waits for them. No new ones from then on.
  void join();

 private:
  using Clock = std::chrono::steady_clock;

  mutable std::mutex mutex_;
  std::list<Clock::time_point> begins_;  // of the jobs that are not done; the oldest first
  boost::asio::thread_pool readers_, planners_;
};

}  // namespace jevons
