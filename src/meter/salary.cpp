#include "meter/salary.h"

namespace jevons {
namespace {

constexpr int kHoursPerYear = 24 * kDaysPerYear;
constexpr int kSecondsPerHour = 3600;
constexpr int kMillion = 1'000'000;

std::vector<std::string> missing_of(const OwnMachine& machine, const Workload& workload) {
  std::vector<std::string> missing;
  if (!machine.tokens_per_second) missing.emplace_back("--speed or --bench");
  if (workload.reads_prompts() && !machine.prompt_tokens_per_second) {
    missing.emplace_back("--prompt-speed or --bench");
  }
  if (!machine.watts) missing.emplace_back("--watts");
  if (!machine.kwh_price) missing.emplace_back("--tariff");
  if (!machine.hardware_price) missing.emplace_back("--hardware-price");
  if (!machine.life_years) missing.emplace_back("--life");
  return missing;
}

// nullopt if a speed is not known.
std::optional<Amount> busy_hours_of(const OwnMachine& machine, const Workload& workload,
                                    const YearTokens& tokens) {
  if (!machine.tokens_per_second) return std::nullopt;
  Amount seconds = tokens.output * kMillion / machine.tokens_per_second->value;
  if (workload.reads_prompts()) {
    if (!machine.prompt_tokens_per_second) return std::nullopt;
    seconds += tokens.input * kMillion / machine.prompt_tokens_per_second->value;
  }
  return seconds / kSecondsPerHour;
}

}  // namespace

YearTokens year_tokens(const Workload& workload) {
  // The two whole factors first: they lose nothing.
  const Amount per_hour = workload.tokens_per_second * (kSecondsPerHour * kDaysPerYear);
  YearTokens tokens;
  tokens.output = per_hour * workload.hours_per_day / kMillion;
  const Amount read = tokens.output * workload.input_ratio;
  tokens.cached = read * workload.cache_share;
  tokens.input = read - tokens.cached;
  return tokens;
}

std::optional<Amount> hosted_cost(const ListPrice& price, const YearTokens& tokens) {
  const Amount output = tokens.output * price.output;
  if (tokens.input == Amount(0) && tokens.cached == Amount(0)) return output;
  const std::optional<Amount> cached = price.cached ? price.cached : price.input;
  if (!price.input || !cached) return std::nullopt;
  return output + tokens.input * *price.input + tokens.cached * *cached;
}

MachineYear machine_year(const OwnMachine& machine, const Workload& workload) {
  MachineYear year;
  year.missing = missing_of(machine, workload);
  const YearTokens tokens = year_tokens(workload);
  year.busy_hours = busy_hours_of(machine, workload, tokens);
  if (!year.busy_hours) return year;
  // An agent whose hours are just filled must not need a second machine for a rounded millionth.
  const Amount share = *year.busy_hours / (workload.hours_per_day * kDaysPerYear);
  year.n_machines = (share - Amount::of_micro(1)).ceiling();
  if (*year.n_machines < 1) year.n_machines = 1;

  if (machine.watts) {
    Amount watt_hours = machine.watts->value * *year.busy_hours;
    if (machine.idle_watts) {
      const Amount others = Amount(*year.n_machines) * kHoursPerYear - *year.busy_hours;
      if (others > Amount(0)) watt_hours += machine.idle_watts->value * others;
    }
    year.kwh = watt_hours / 1000;
    if (machine.kwh_price) year.energy_cost = *year.kwh * machine.kwh_price->value;
  }
  if (machine.hardware_price && machine.life_years) {
    year.hardware_cost =
        Amount(*year.n_machines) * machine.hardware_price->value / machine.life_years->value;
  }
  if (year.energy_cost) {
    year.cost = *year.energy_cost + year.hardware_cost.value_or(0);
    if (tokens.output > Amount(0)) year.cost_per_million = *year.cost / tokens.output;
  }
  return year;
}

std::optional<Amount> fastest_rate(const OwnMachine& machine, const Workload& workload) {
  if (!machine.tokens_per_second) return std::nullopt;
  if (!workload.reads_prompts()) return machine.tokens_per_second->value;
  if (!machine.prompt_tokens_per_second) return std::nullopt;
  // Written as one fraction, so that it is rounded once: write * read / (read + write * ratio).
  const Amount write = machine.tokens_per_second->value;
  const Amount read = machine.prompt_tokens_per_second->value;
  const Amount ratio = workload.input_ratio * (Amount(1) - workload.cache_share);
  return write * read / (read + write * ratio);
}

}  // namespace jevons
