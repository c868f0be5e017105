// Score against price, release by release. Any thread.
#pragma once

#include <string>

#include "app/cost_inputs.h"
#include "meter/price_trend.h"

namespace jevons {

struct TrendReport {
  const CostInputs* inputs;  // must outlive the report
  YearTokens tokens;
  PriceTrend trend;

  [[nodiscard]] static TrendReport of(const CostInputs& inputs);
  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;  // cost_json.cpp
  [[nodiscard]] std::string svg() const;
};

}  // namespace jevons
