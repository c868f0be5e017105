#include "engine/work_log.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace jevons {
namespace {

// A processor may read its clock a little before or after what stands beside it in the program.
constexpr std::chrono::microseconds kReordering{1};

}  // namespace

WorkLog::WorkLog(std::size_t capacity) : ring_(capacity) {
  JEVONS_CHECK(std::has_single_bit(capacity));
}

// The time is taken once more behind the store: a thread that is set aside in between would have
// begun before the reader could know.
WorkLog::Time WorkLog::begin_step() {
  running_since_.store(std::chrono::steady_clock::now().time_since_epoch().count(),
                       std::memory_order_seq_cst);
  return std::chrono::steady_clock::now();
}

void WorkLog::add(const WorkShare& share) {
  const std::uint64_t at = n_written_.load(std::memory_order_relaxed);
  if (at - n_read_.load(std::memory_order_acquire) == ring_.size()) {
    n_lost_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ring_[at & (ring_.size() - 1)] = share;
  n_written_.store(at + 1, std::memory_order_release);
}

void WorkLog::end_step() { running_since_.store(0, std::memory_order_release); }

WorkHorizon WorkLog::take(std::vector<WorkShare>& shares) {
  // In this order: a step that ends in between is in the ring, and one that begins in between
  // begins after `until`.
  WorkHorizon horizon{std::chrono::steady_clock::now() - kReordering, 0, false};
  const Time::rep since = running_since_.load(std::memory_order_acquire);
  if (since != 0) {
    horizon.until = std::min(horizon.until, Time(Time::duration(since)));
    horizon.is_busy = true;
  }
  const std::uint64_t end = n_written_.load(std::memory_order_acquire);
  std::uint64_t at = n_read_.load(std::memory_order_relaxed);
  for (; at != end; ++at) shares.push_back(ring_[at & (ring_.size() - 1)]);
  n_read_.store(at, std::memory_order_release);
  horizon.n_lost = n_lost_.load(std::memory_order_relaxed);
  return horizon;
}

}  // namespace jevons
