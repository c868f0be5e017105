#include "app/cost_report.h"

#include <unistd.h>

#include <memory>
#include <string>

#include "app/config/options.h"
#include "app/ledger_table.h"
#include "app/metering.h"
#include "app/term/terminal.h"
#include "base/wall_clock.h"
#include "meter/ledger_report.h"

namespace jevons {
namespace {

struct ReportFlags {
  std::unique_ptr<OptionReader> options;
  std::string by = "day", since = "30d";
  bool csv = false, json = false;
};

Result<ReportBy> report_by(const std::string& word) {
  if (word == "day") return ReportBy::kDay;
  if (word == "client") return ReportBy::kClient;
  if (word == "key") return ReportBy::kKey;
  if (word == "model") return ReportBy::kModel;
  return fail("--by is '{}', and must be day, client, key or model", harmless_text(word));
}

int print_report(const ReportFlags& flags, const std::string& path, LedgerQuestion question) {
  const TimeZone zone = TimeZone::local();
  const auto since = parse_since(flags.since, zone, unix_seconds());
  if (!since) return report(since.error(), kUsage);
  question.since = since->day;
  if (since->at_ms != 0) question.since = flags.since + " ago";
  auto file = LedgerFile::open_to_read(path);
  if (!file) {
    return report(
        {fmt::format("there is no ledger to read: {}; jevons serve and jevons run write "
                     "it (--ledger)",
                     file.error().message)});
  }
  const auto lines = ledger_report(*file, question.by, *since, zone);
  if (!lines) return report(lines.error());
  if (flags.json) {
    fmt::print("{}\n", ledger_json(*lines, question));
  } else if (flags.csv) {
    fmt::print("{}", ledger_csv(*lines, question));
  } else {
    fmt::print("{}", harmless_text(ledger_table(*lines, question, terminal_width(STDOUT_FILENO))));
  }
  return std::fflush(stdout) == 0 ? kSuccess : report({"cannot write to standard output"});
}

int cost_report(const ReportFlags& flags) {
  const auto settings = flags.options->settings();
  if (!settings) return report(settings.error(), kUsage);
  const auto by = report_by(flags.by);
  if (!by) return report(by.error(), kUsage);
  if (flags.csv && flags.json) return report({"--csv and --json exclude each other"}, kUsage);
  const std::string path = ledger_path_of(*settings);
  if (path.empty()) return report({"the ledger is off (--ledger), so there is nothing to report"});
  return print_report(flags, path, {.by = *by});
}

}  // namespace

CommandBody define_cost_report(CLI::App& app) {
  auto flags = std::make_shared<ReportFlags>();
  app.add_option("--by", flags->by, "day, client, key or model [day]")->type_name("WHAT");
  app.add_option("--since", flags->since,
                 "30d: today and the 29 days before; 12h; a date, 2026-02-03; all [30d]")
      ->type_name("TIME");
  app.add_flag("--csv", flags->csv, "comma-separated values");
  app.add_flag("--json", flags->json, "one JSON object");
  flags->options = std::make_unique<OptionReader>(app, kLedgerOptions);
  return [flags] { return cost_report(*flags); };
}

}  // namespace jevons
