// jevons cost: what an agent costs for a year, at hosted prices and on this machine.
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "app/commands.h"
#include "app/cost_break_even.h"
#include "app/cost_inputs.h"
#include "app/cost_report.h"
#include "app/cost_salary.h"
#include "app/cost_sources.h"
#include "app/cost_trend.h"
#include "app/term/bars.h"
#include "app/term/terminal.h"
#include "base/atomic_file.h"

namespace jevons {
namespace {

struct View {
  std::string text;                // or JSON
  std::optional<std::string> svg;  // absent: this view has no picture
};

template <typename Report>
View view_of(const Report& report, const CostFlags& flags, std::string text) {
  return {flags.json ? report.json() + "\n" : std::move(text),
          flags.svg.empty() ? std::nullopt : std::optional(report.svg())};
}

Result<View> make_view(const CostInputs& inputs, const CostFlags& flags) {
  const int columns = terminal_width(STDOUT_FILENO);
  const bool utf8 = locale_is_utf8();
  if (flags.sources) {
    return View{flags.json ? sources_json(inputs) + "\n" : sources_text(inputs, columns), {}};
  }
  if (flags.trend) {
    const TrendReport report = TrendReport::of(inputs);
    return view_of(report, flags, report.text(columns));
  }
  if (flags.break_even) {
    JEVONS_ASSIGN(const BreakEvenReport report, BreakEvenReport::of(inputs));
    return view_of(report, flags, report.text(columns, utf8));
  }
  const SalaryReport report = SalaryReport::of(inputs);
  return view_of(report, flags, report.text(columns, utf8));
}

// What cuts a long name short, for terminals that do not know it.
std::string without_ellipsis(std::string text) {
  constexpr std::string_view kEllipsis = "…";
  for (auto at = text.find(kEllipsis); at != std::string::npos; at = text.find(kEllipsis, at)) {
    text.replace(at, kEllipsis.size(), "~");
  }
  return text;
}

void print_text(const std::string& text) {
  const std::string harmless = harmless_text(text);
  fmt::print("{}", locale_is_utf8() ? harmless : without_ellipsis(harmless));
}

int cost(const CostFlags& flags) {
  if (int{flags.trend} + int{flags.break_even} + int{flags.sources} > 1) {
    return report({"--trend, --break-even and --sources are views of their own: give one"}, kUsage);
  }
  if (flags.sources && !flags.svg.empty()) {
    return report({"--sources has no picture: --svg goes with the other views"}, kUsage);
  }
  const auto settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  const auto inputs = cost_inputs(flags, *settings);
  if (!inputs) return report(inputs.error(), kUsage);
  for (const std::string& note : inputs->notes) {
    fmt::print(stderr, "jevons: {}\n", harmless_text(note));
  }
  const auto view = make_view(*inputs, flags);
  if (!view) return report(view.error(), kUsage);
  if (view->svg) {
    const auto written = write_file_atomically(flags.svg, *view->svg);
    if (!written) return report(written.error());
  }
  if (flags.json) {
    fmt::print("{}", view->text);
  } else {
    print_text(view->text);
  }
  return kSuccess;
}

// `jevons cost --trend report` would leave --trend out and say nothing.
int refuse_options_before(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0) continue;
    return report(Error{fmt::format("{} stands before 'report': its own options follow it, those "
                                    "of jevons cost do not go with it",
                                    option->get_name())},
                  kUsage);
  }
  return kSuccess;
}

}  // namespace

CommandBody define_cost(CLI::App& app) {
  auto flags = std::make_shared<CostFlags>();
  add_cost_flags(app, *flags);
  flags->options = std::make_unique<OptionReader>(app, kCostOptions | kLedgerOptions);
  app.require_subcommand(0, 1);
  CLI::App* report = app.add_subcommand("report", "what the requests of the ledger took and cost");
  const CommandBody report_body = define_cost_report(*report);
  app.footer(
      "Prices are those of a book with a day and a source for each; a file of your own extends\n"
      "it. docs/COST.md has every formula, what is not counted, and how to write such a file.");
  return [flags, command = &app, report, report_body] {
    if (!report->parsed()) return cost(*flags);
    const int refused = refuse_options_before(*command);
    return refused != kSuccess ? refused : report_body();
  };
}

}  // namespace jevons
