#include "app/cost_break_even.h"

#include <algorithm>
#include <tuple>

#include "app/cost_words.h"
#include "app/term/bars.h"
#include "app/term/table.h"
#include "meter/svg_chart.h"

namespace jevons {
namespace {

constexpr int kMonths = 12;
constexpr int kIndent = 2;

std::string months_words(const std::optional<BreakEven>& result) {
  if (!result) return "-";
  return result->months ? result->months->text(1) : "never";
}

std::string verdict(const std::optional<BreakEven>& result) {
  if (!result) return "price of input unknown";
  if (!result->months) return "its energy alone costs more";
  return result->is_within_life ? "" : "after its life";
}

std::string figure_line(const char* what, const KnownFigure& figure, const char* unit) {
  return fmt::format("  {}: {}{} ({})\n", what, figure.value.shortest(), unit, figure.source);
}

std::string assumptions(const BreakEvenReport& report, int columns) {
  const OwnMachine& machine = report.inputs->machine;
  std::string text = "It is assumed that\n";
  text += wrapped(
      fmt::format(
          "  - the agent works like this all the time{}, and the hosted model "
          "writes as many tokens for the same work",
          report.inputs->has_rate ? "" : ", as fast as the machine can (--rate says otherwise)"),
      columns, 2 * kIndent);
  text += wrapped(
      fmt::format("  - {} bought for {}, and worth nothing after {} years",
                  report.n_machines == 1
                      ? "the machine is"
                      : fmt::format("the {} machines that it takes are each", report.n_machines),
                  machine.hardware_price->value.text(2), machine.life_years->value.shortest()),
      columns, 2 * kIndent);
  text += wrapped(fmt::format("  - it draws {} W while it works, {}, and a kWh costs {}",
                              machine.watts->value.shortest(),
                              machine.idle_watts
                                  ? machine.idle_watts->value.shortest() + " W the rest of the year"
                                  : "and nothing else is counted (--idle-watts)",
                              machine.kwh_price->value.shortest()),
                  columns, 2 * kIndent);
  text += "  - prices stay as they are\n";
  text += wrapped("  - your time, cooling, network and repairs cost nothing (docs/COST.md)",
                  columns, 2 * kIndent);
  text +=
      "The machine:\n" + figure_line("writes", *machine.tokens_per_second, " tokens per second");
  if (machine.prompt_tokens_per_second) {
    text += figure_line("reads", *machine.prompt_tokens_per_second, " tokens per second");
  }
  return text;
}

}  // namespace

Result<BreakEvenReport> BreakEvenReport::of(const CostInputs& inputs) {
  BreakEvenReport report;
  report.inputs = &inputs;
  report.workload = inputs.workload;
  if (!inputs.has_rate) {
    const auto fastest = fastest_rate(inputs.machine, inputs.workload);
    if (fastest) report.workload.tokens_per_second = *fastest;
  }
  const MachineYear year = machine_year(inputs.machine, report.workload);
  // Names what is missing, whatever the hosted price.
  JEVONS_TRY(break_even(inputs.machine, report.workload, 0));
  report.n_machines = *year.n_machines;
  const YearTokens tokens = year_tokens(report.workload);
  for (const PricedModel& model : inputs.models) {
    BreakEvenRow row{&model, std::nullopt};
    if (const auto hosted = hosted_cost(model.price(), tokens)) {
      JEVONS_ASSIGN(row.result, break_even(inputs.machine, report.workload, *hosted));
    }
    report.rows.push_back(row);
  }
  std::ranges::stable_sort(report.rows, {}, [](const BreakEvenRow& row) {
    const bool pays = row.result && row.result->months;
    return std::make_tuple(!row.result.has_value(), !pays, pays ? *row.result->months : Amount(0));
  });
  return report;
}

std::string BreakEvenReport::text(int columns, bool utf8) const {
  TextTable table({"instead of", ">hosted", ">energy", ">saved", ">months", ""});
  std::vector<TextBar> bars;
  for (const BreakEvenRow& row : rows) {
    const auto& result = row.result;
    const auto saved =
        result ? std::optional(result->hosted_per_month - result->running_per_month) : std::nullopt;
    table.add_row({marked_name(*inputs, *row.model),
                   money_words(result ? std::optional(result->hosted_per_month) : std::nullopt, 2),
                   money_words(result ? std::optional(result->running_per_month) : std::nullopt, 2),
                   money_words(saved, 2), months_words(result), verdict(result)});
    if (result && result->is_within_life) {
      bars.push_back({row.model->name, result->months->as_double(), result->months->text(1)});
    }
  }
  std::string out = workload_words(workload, columns);
  out += fmt::format("In {} a month; months until {} paid for.\n\n", inputs->currency,
                     n_machines == 1 ? "the machine has" : "the machines have");
  out += table.render(columns);
  if (bars.empty()) {
    out += "\nWithin its life, the machine pays against none of these.\n";
  } else {
    out += "\nMonths, where it pays within its life\n" + text_bars(bars, columns, utf8);
  }
  out += "\n" + assumptions(*this, columns);
  const std::string stale = stale_words(*inputs, columns);
  return stale.empty() ? out : out + "\n" + stale;
}

std::string BreakEvenReport::svg() const {
  BarChart chart;
  chart.title = "Months until this machine has paid for itself";
  chart.subtitle =
      fmt::format("{} tokens per second, {} hours a day; no bar: not within its life",
                  workload.tokens_per_second.shortest(), workload.hours_per_day.shortest());
  chart.value_title = "months";
  const Amount life = inputs->machine.life_years->value * kMonths;
  chart.rules.push_back({life.as_double(), "end of its life"});
  for (const BreakEvenRow& row : rows) {
    if (!row.result) continue;
    const auto& months = row.result->months;
    const bool pays = row.result->is_within_life;
    chart.bars.push_back(
        {row.model->name, pays ? months->as_double() : 0, months_words(row.result), 0});
  }
  return svg_of(chart);
}

}  // namespace jevons
