#include "app/cost_salary.h"

#include <algorithm>

#include "app/cost_words.h"
#include "app/term/bars.h"
#include "app/term/table.h"
#include "meter/svg_chart.h"

namespace jevons {
namespace {

constexpr const char* kThisMachine = "this machine";
constexpr int kIndent = 2;

// Quoted in the press: M2.5 at "3 % of the cost" of Opus 4.6.
constexpr const char* kQuotedModel = "minimax-m2.5";
constexpr const char* kQuotedOther = "claude-opus-4.6";
const Amount kQuotedShare = Amount::of_micro(30'000);

const PricedModel* find(const std::vector<PricedModel>& models, std::string_view id) {
  const auto found = std::ranges::find(models, id, &PricedModel::id);
  return found == models.end() ? nullptr : &*found;
}

SalaryRow row_of(const PricedModel& model, const YearTokens& tokens) {
  SalaryRow row{&model, hosted_cost(model.price(), tokens), {}, {}};
  if (row.year && model.score()) row.per_point = *row.year / *model.score();
  for (std::size_t i = 1; i < model.prices.size(); ++i) {
    row.other_years.push_back(hosted_cost(model.prices[i], tokens));
  }
  return row;
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : ", ") + word;
  return line;
}

std::string machine_speed_words(const SalaryReport& report) {
  const OwnMachine& machine = report.inputs->machine;
  if (!machine.tokens_per_second) return "";
  const auto& reads = machine.prompt_tokens_per_second;
  const std::string& source = machine.tokens_per_second->source;
  std::string words = fmt::format("  writes {}", machine.tokens_per_second->value.shortest());
  if (reads && reads->source == source)
    words += fmt::format(" and reads {}", reads->value.shortest());
  words += fmt::format(" tokens per second ({})", source);
  if (reads && reads->source != source) {
    words += fmt::format(", reads {} ({})", reads->value.shortest(), reads->source);
  }
  if (report.machine.n_machines && *report.machine.n_machines > 1) {
    words += fmt::format("; this agent takes {} such machines", *report.machine.n_machines);
  }
  return words;
}

std::string machine_energy_words(const SalaryReport& report) {
  const OwnMachine& machine = report.inputs->machine;
  const MachineYear& year = report.machine;
  if (!year.kwh) return "";
  std::string words =
      fmt::format("  energy: {} W ({}) for {} hours", machine.watts->value.shortest(),
                  machine.watts->source, year.busy_hours->text(0));
  if (machine.idle_watts) {
    words += fmt::format(", {} W the rest of the year", machine.idle_watts->value.shortest());
  }
  words += fmt::format(": {} kWh", year.kwh->text(0));
  if (year.energy_cost) {
    words += fmt::format(" at {} ({}): {}", machine.kwh_price->value.shortest(),
                         machine.kwh_price->source, year.energy_cost->text(2));
  }
  return words;
}

std::string machine_hardware_words(const SalaryReport& report) {
  const OwnMachine& machine = report.inputs->machine;
  if (!report.machine.hardware_cost) return "";
  const std::int64_t n = *report.machine.n_machines;
  return fmt::format("  hardware: {}{} over {} years: {}",
                     n == 1 ? "" : fmt::format("{} times ", n),
                     machine.hardware_price->value.text(2), machine.life_years->value.shortest(),
                     report.machine.hardware_cost->text(2));
}

std::string machine_words(const SalaryReport& report, int columns) {
  const MachineYear& year = report.machine;
  std::string text;
  if (!year.missing.empty()) {
    text += wrapped(fmt::format("This machine: not known are {}.{}", joined(year.missing),
                                year.cost ? " Its cost above is the energy alone." : ""),
                    columns, kIndent);
  } else {
    text += "This machine, a year:\n";
  }
  if (!report.inputs->machine.tokens_per_second) {
    text += wrapped(
        "  What requests take is in the ledger once jevons serve has worked for a "
        "minute; what a model would do, jevons plan measures for --runs.",
        columns, kIndent);
  }
  for (const std::string& words : {machine_speed_words(report), machine_energy_words(report),
                                   machine_hardware_words(report)}) {
    if (!words.empty()) text += wrapped(words, columns, 2 * kIndent);
  }
  if (year.cost_per_million) {
    text += fmt::format("  a million tokens written: {}\n", year.cost_per_million->text(2));
  }
  if (report.inputs->runs) {
    text += wrapped(fmt::format("  Its score is that of {} as published; fewer bits cost points "
                                "that are not counted.",
                                report.inputs->runs->name),
                    columns, 2 * kIndent);
  }
  return text;
}

std::string machine_cost_words(const MachineYear& year) {
  return year.cost->text(0) + (year.missing.empty() ? "" : " (energy alone)");
}

std::string quoted_words(const QuotedShare& quoted, int columns) {
  const PriceShare& share = quoted.share;
  std::string words = fmt::format(
      "Output of {} costs {} % of that of {} at the first prices ({} of {}). The often quoted {} % "
      "would take {} of {}, or {} of {}.",
      quoted.model->name, (share.share * 100).text(1), quoted.other->name,
      price_words(quoted.model->price().output), price_words(quoted.other->price().output),
      (quoted.quoted * 100).shortest(), price_words(share.needed),
      price_words(quoted.other->price().output), price_words(quoted.model->price().output),
      price_words(share.needed_other));
  for (const PriceShare::Match& match : share.matches) {
    words +=
        fmt::format(" The {} prices give it: {} ({}) of {}.", match.kind, price_words(match.price),
                    source_words(match.source), price_words(match.other_price));
  }
  return wrapped(words, columns);
}

}  // namespace

SalaryReport SalaryReport::of(const CostInputs& inputs) {
  SalaryReport report;
  report.inputs = &inputs;
  report.tokens = year_tokens(inputs.workload);
  for (const PricedModel& model : inputs.models) {
    report.rows.push_back(row_of(model, report.tokens));
  }
  // What has no cost goes last.
  std::ranges::stable_sort(report.rows, {}, [](const SalaryRow& row) {
    return std::make_pair(!row.year.has_value(), row.year.value_or(0));
  });
  report.machine = machine_year(inputs.machine, inputs.workload);
  if (inputs.runs && report.machine.cost && inputs.runs->score()) {
    report.machine_per_point = *report.machine.cost / *inputs.runs->score();
  }
  const PricedModel* model = find(inputs.models, kQuotedModel);
  const PricedModel* other = find(inputs.models, kQuotedOther);
  if (model != nullptr && other != nullptr && other->price().output > Amount(0)) {
    report.quoted = {model, other, kQuotedShare, price_share(*model, *other, kQuotedShare)};
  }
  return report;
}

std::string SalaryReport::text(int columns, bool utf8) const {
  const CostInputs& in = *inputs;
  TextTable table(
      {"model", ">input", ">cached", ">output", ">tok/s", ">a year", ">score", ">per point"});
  std::vector<TextBar> bars;
  for (const SalaryRow& row : rows) {
    const PricedModel& model = *row.model;
    const auto speed = model.speed();
    table.add_row({marked_name(in, model), price_words(model.price().input),
                   price_words(model.price().cached), price_words(model.price().output),
                   speed ? speed->shortest() : "-", money_words(row.year, 0),
                   money_words(model.score(), 1), per_point_words(row.per_point)});
    if (row.year) bars.push_back({model.name, row.year->as_double(), row.year->text(0)});
  }
  const auto own_speed = in.machine.tokens_per_second;
  const auto own_score = in.runs ? in.runs->score() : std::nullopt;
  table.add_row({kThisMachine, "-", "-", money_words(machine.cost_per_million, 2),
                 own_speed ? own_speed->value.shortest() : "-", money_words(machine.cost, 0),
                 money_words(own_score, 1), per_point_words(machine_per_point)});
  if (machine.cost) {
    bars.push_back({kThisMachine, machine.cost->as_double(), machine_cost_words(machine)});
  }

  std::string out = workload_words(in.workload, columns);
  out += wrapped(fmt::format("In {}; input, cached and output per million tokens; the score is "
                             "SWE-bench Verified; per point: a year's cost by the score.",
                             in.currency),
                 columns);
  out += "\n" + table.render(columns) + "\n" + machine_words(*this, columns);
  if (!bars.empty()) {
    out += fmt::format("\nA year in {}\n", in.currency) + text_bars(bars, columns, utf8);
  }
  for (const std::string& words : {quoted ? quoted_words(*quoted, columns) : "",
                                   disagreement_words(in, columns), stale_words(in, columns)}) {
    if (!words.empty()) out += "\n" + words;
  }
  return out;
}

std::string SalaryReport::svg() const {
  const CostInputs& in = *inputs;
  BarChart chart;
  chart.title = "A year of one agent";
  chart.subtitle =
      fmt::format("{} tokens per second, {} hours a day; {} tokens read for each",
                  in.workload.tokens_per_second.shortest(), in.workload.hours_per_day.shortest(),
                  in.workload.input_ratio.shortest());
  chart.value_title = in.currency + " a year";
  for (const SalaryRow& row : rows) {
    if (!row.year) continue;
    chart.bars.push_back({row.model->name, row.year->as_double(), row.year->text(0), 0});
  }
  if (machine.cost) {
    chart.bars.push_back({kThisMachine, machine.cost->as_double(), machine_cost_words(machine), 1});
  }
  return svg_of(chart);
}

}  // namespace jevons
