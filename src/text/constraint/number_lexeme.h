// Numbers between bounds as automata over their digits. Any thread may call.
//
// What is written: up to 18 digits before the point (more if a bound needs them), up to 17 after
// it, and an exponent of at most two digits where no bound has to be kept. Integers are written
// without fraction and exponent, and never as -0.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "text/constraint/decimal.h"
#include "text/constraint/lexeme.h"
#include "text/constraint/work_budget.h"

namespace jevons {

struct NumberRule {
  struct Bound {
    Decimal value;
    bool is_exclusive = false;
    bool operator==(const Bound&) const = default;
  };
  bool integers_only = false;
  std::optional<Bound> lower{}, upper{};
  std::uint32_t multiple_of = 1;  // above 1: integers only, at most kMaxMultiple

  static constexpr std::uint32_t kMaxMultiple = 10'000;

  /// Keeps the stricter of the bound that is there and `bound`.
  void raise_lower(const Bound& bound);
  void reduce_upper(const Bound& bound);
};

/// Errors: nothing satisfies the rule; over the budget.
[[nodiscard]] Result<Lexeme> number_lexeme(const NumberRule& rule, WorkBudget& budget);

}  // namespace jevons
