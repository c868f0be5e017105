#include "api/preparation_pool.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

namespace jevons {

PreparationPool::PreparationPool(int n_threads)
    : readers_(static_cast<std::size_t>(std::max(1, n_threads))),
      planners_(static_cast<std::size_t>(std::max(1, n_threads))) {}

PreparationPool::~PreparationPool() { join(); }

void PreparationPool::post(Stage stage, std::function<void()> job) {
  std::list<Clock::time_point>::iterator begin;
  {
    const std::lock_guard lock(mutex_);
    begin = begins_.insert(begins_.end(), Clock::now());
  }
  boost::asio::post(stage == Stage::kRead ? readers_ : planners_,
                    [this, begin, job = std::move(job)]() mutable {
                      job();
                      job = nullptr;
                      const std::lock_guard lock(mutex_);
                      begins_.erase(begin);
                    });
}

PreparationLoad PreparationPool::load() const {
  const std::lock_guard lock(mutex_);
  PreparationLoad load;
  load.n_requests = static_cast<int>(begins_.size());
  if (!begins_.empty()) {
    load.oldest_s = std::chrono::duration<double>(Clock::now() - begins_.front()).count();
  }
  return load;
}

void PreparationPool::join() {
  readers_.join();
  planners_.join();
}

}  // namespace jevons
