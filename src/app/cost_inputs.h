// What `jevons cost` computes with: the price book, the agent's work, and what is known of this
// machine, from the command line, the environment and the configuration. Main thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config/options.h"
#include "meter/price_book.h"
#include "meter/salary.h"

namespace jevons {

/// As they stand on the command line.
struct CostFlags {
  std::unique_ptr<OptionReader> options;
  std::string rate, hours_per_day, input_ratio, cache_share;
  std::string speed, prompt_speed, bench, runs;
  std::vector<std::string> models;
  bool trend = false, break_even = false, sources = false, json = false;
  std::string svg;
};

struct CostInputs {
  std::vector<PricedModel> models;  // prices in `currency`
  std::string currency = "USD";
  Amount exchange = 1;  // of the currency for a US dollar
  int stale_days = 180;
  Day day;  // today
  Workload workload;
  bool has_rate = false;  // that the user gave
  OwnMachine machine;
  std::optional<PricedModel> runs;  // the model that this machine runs
  std::vector<std::string> notes;   // what was left out, for standard error

  [[nodiscard]] bool is_stale(const PriceSource& source) const {
    return source.is_older_than(stale_days, day);
  }
};

/// Adds the flags that are this command's own.
void add_cost_flags(CLI::App& app, CostFlags& flags);

/// Errors name the option or the file and line, what it is, and what it must be.
[[nodiscard]] Result<CostInputs> cost_inputs(const CostFlags& flags, const Settings& settings);

}  // namespace jevons
