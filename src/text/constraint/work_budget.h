// How much a schema may cost. Counts steps instead of time, so that the same schema has the same
// fate on every machine. Plain value, one thread.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace jevons {

class WorkBudget {
 public:
  explicit WorkBudget(std::size_t n_steps) : left_(n_steps) {}

  [[nodiscard]] Result<void> spend(std::size_t n_steps) {
    if (n_steps > left_) {
      left_ = 0;
      return fail("is too complex: it needs more work or memory than the limit allows");
    }
    left_ -= n_steps;
    return {};
  }

  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

}  // namespace jevons
