// What an agent costs for a year: at a hosted price, and on a machine of one's own. Every formula
// stands here and, with a worked example, in docs/COST.md. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meter/amount.h"
#include "meter/price_book.h"

namespace jevons {

inline constexpr int kDaysPerYear = 365;

/// What one agent does, the same every day. The ranges are the caller's to check
/// (kMost... below); all arithmetic is exact within them.
struct Workload {
  Amount tokens_per_second = 50;  // that it writes while it works; more than 0
  Amount hours_per_day = 24;      // more than 0, at most 24
  Amount input_ratio = 0;         // tokens that it reads for each that it writes
  Amount cache_share = 0;         // of those, what comes from a cache: 0 to 1

  /// Whether a machine of one's own has anything to read.
  [[nodiscard]] bool reads_prompts() const {
    return input_ratio > Amount(0) && cache_share < Amount(1);
  }
};
inline constexpr int kMostTokensPerSecond = 1'000'000;
inline constexpr int kMostInputRatio = 1000;

/// Of a year, in millions.
struct YearTokens {
  Amount output;
  Amount input;   // not cached
  Amount cached;  // input from a cache
};

///   output = tokens_per_second * 3600 * hours_per_day * 365
///   cached = output * input_ratio * cache_share, input = output * input_ratio - cached
[[nodiscard]] YearTokens year_tokens(const Workload& workload);

/// input * price.input + cached * price.cached + output * price.output; without a price for cached
/// input it costs what input does. nullopt: the agent reads, and the price of input is not known.
[[nodiscard]] std::optional<Amount> hosted_cost(const ListPrice& price, const YearTokens& tokens);

/// What is known of a machine, and where from: "--watts", "jevons bench, run.json", ...
struct KnownFigure {
  Amount value;
  std::string source;
};
struct OwnMachine {
  std::optional<KnownFigure> tokens_per_second;         // that it writes
  std::optional<KnownFigure> prompt_tokens_per_second;  // that it reads
  std::optional<KnownFigure> watts;                     // while it does either
  std::optional<KnownFigure> idle_watts;  // the rest of the year; unknown: not counted
  std::optional<KnownFigure> kwh_price;
  std::optional<KnownFigure> hardware_price;
  std::optional<KnownFigure> life_years;
};

struct MachineYear {
  /// What must be known and is not, in words of the command line. Figures that depend on it are
  /// absent below; nothing is guessed.
  std::vector<std::string> missing;

  std::optional<std::int64_t> n_machines;  // that such an agent keeps busy
  std::optional<Amount> busy_hours;        // of all of them together
  std::optional<Amount> kwh;
  std::optional<Amount> energy_cost;
  std::optional<Amount> hardware_cost;     // price / life, of all machines
  std::optional<Amount> cost;              // both; energy alone if the hardware is not known
  std::optional<Amount> cost_per_million;  // tokens written, of `cost`
};

///   busy seconds  = output / tokens_per_second + input / prompt_tokens_per_second
///   n_machines    = busy seconds / (hours_per_day * 3600 * 365), rounded up
///   kWh           = (watts * busy hours + idle_watts * the other hours of the year) / 1000
///   energy cost   = kWh * kwh_price
///   hardware cost = n_machines * hardware_price / life_years
[[nodiscard]] MachineYear machine_year(const OwnMachine& machine, const Workload& workload);

/// The fastest that an agent can write on one such machine, reading what it must in between:
/// 1 / (1 / tokens_per_second + input_ratio * (1 - cache_share) / prompt_tokens_per_second).
/// nullopt if a speed that it takes is not known.
[[nodiscard]] std::optional<Amount> fastest_rate(const OwnMachine& machine,
                                                 const Workload& workload);

}  // namespace jevons
