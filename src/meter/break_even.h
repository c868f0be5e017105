// When a machine of one's own has saved its price against a hosted model. Pure; any thread.
#pragma once

#include <optional>

#include "meter/salary.h"

namespace jevons {

/// For one agent; of a month of 365 / 12 days.
struct BreakEven {
  Amount hosted_per_month;
  Amount running_per_month;  // the machine's energy
  Amount hardware;           // the price of all machines that the agent takes
  /// hardware / (hosted - running), to a tenth of a month; nullopt: never, the energy alone costs
  /// what the hosted model does, or more.
  std::optional<Amount> months;
  bool is_within_life = false;
};

/// `hosted_year` and all prices in one currency. Errors name what is not known of the machine.
[[nodiscard]] Result<BreakEven> break_even(const OwnMachine& machine, const Workload& workload,
                                           Amount hosted_year);

}  // namespace jevons
