// How much a schema may cost. Counts steps instead of time, so that the same schema has the same
// fate on every machine. Plain value, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <stop_token>
#include <utility>

#include "base/result.h"

namespace jevons {

class WorkBudget {
 public:
  /// Once `stop` is requested nothing can be spent any more.
  explicit WorkBudget(std::size_t n_steps, std::stop_token stop = {})
      : left_(n_steps), stop_(std::move(stop)) {}

  [[nodiscard]] Result<void> spend(std::size_t n_steps) {
    if (stop_.stop_requested()) {
      left_ = 0;
      return fail("is given up: nobody waits for it any more");
    }
    if (n_steps > left_) {
      left_ = 0;
      return fail("is too complex: it needs more work or memory than the limit allows");
    }
    left_ -= n_steps;
    return {};
  }

  [[nodiscard]] std::size_t left() const { return left_; }

  /// For work that may fail by itself; what it has spent is then to be spent here, too.
  [[nodiscard]] WorkBudget part(std::size_t at_most) const {
    return WorkBudget(std::min(left_, at_most), stop_);
  }

 private:
  std::size_t left_;
  std::stop_token stop_;
};

}  // namespace jevons
