// The salary table: a year of one agent at each hosted model, beside this machine. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/cost_inputs.h"
#include "meter/price_share.h"

namespace jevons {

struct SalaryRow {
  const PricedModel* model;
  std::optional<Amount> year;                      // unknown: it reads, and input has no price
  std::optional<Amount> per_point;                 // year / score
  std::vector<std::optional<Amount>> other_years;  // by the other prices, in their order
};

/// Of the two models that are quoted against each other.
struct QuotedShare {
  const PricedModel *model, *other;
  Amount quoted;
  PriceShare share;
};

struct SalaryReport {
  const CostInputs* inputs;  // must outlive the report
  YearTokens tokens;
  std::vector<SalaryRow> rows;  // by cost
  MachineYear machine;
  std::optional<Amount> machine_per_point;
  std::optional<QuotedShare> quoted;  // if both models are among those chosen

  [[nodiscard]] static SalaryReport of(const CostInputs& inputs);
  [[nodiscard]] std::string text(int columns, bool utf8) const;
  [[nodiscard]] std::string json() const;  // cost_json.cpp
  [[nodiscard]] std::string svg() const;
};

}  // namespace jevons
