// When this machine has saved what it cost, against each hosted model. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cost_inputs.h"
#include "meter/break_even.h"

namespace jevons {

struct BreakEvenRow {
  const PricedModel* model;
  std::optional<BreakEven> result;  // absent: it reads, and input has no price
};

struct BreakEvenReport {
  const CostInputs* inputs;  // must outlive the report
  Workload workload;         // as the user said, else as fast as the machine can
  std::int64_t n_machines = 1;
  std::vector<BreakEvenRow> rows;  // what pays soonest first

  /// Errors name what is not known of the machine.
  [[nodiscard]] static Result<BreakEvenReport> of(const CostInputs& inputs);
  [[nodiscard]] std::string text(int columns, bool utf8) const;
  [[nodiscard]] std::string json() const;  // cost_json.cpp
  [[nodiscard]] std::string svg() const;
};

}  // namespace jevons
