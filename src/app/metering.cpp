#include "app/metering.h"

#include <charconv>
#include <utility>

#include "app/config/user_folder.h"
#include "base/utf8.h"

namespace jevons {
namespace {

Result<std::optional<double>> watts_of(const char* option, const std::string& text) {
  if (text.empty()) return std::nullopt;
  double watts = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, watts);
  // Not a number compares false with everything.
  if (error != std::errc{} || stop != end || !(watts >= 0 && watts <= kMostWatts)) {
    return fail("{} is '{}', and must be a number between 0 and {:.0f}", option,
                utf8_sanitize(text), kMostWatts);
  }
  return watts;
}

}  // namespace

std::string ledger_path_of(const Settings& settings) {
  if (settings.ledger == "off") return "";
  if (!settings.ledger.empty()) return settings.ledger;
  const std::string folder = user_folder("XDG_DATA_HOME", ".local/share");
  return folder.empty() ? "" : folder + "/ledger.db";
}

Result<BookkeeperOptions> bookkeeper_options(const Settings& settings) {
  BookkeeperOptions options;
  options.sensors.source = settings.energy;
  options.sensors.pointer = settings.energy_pointer;
  options.sensors.unit = settings.energy_unit;
  options.sensors.token = settings.energy_token;
  JEVONS_ASSIGN(options.stated_watts, watts_of("--watts", settings.watts));
  JEVONS_ASSIGN(options.idle_watts, watts_of("--idle-watts", settings.idle_watts));
  options.extra_watts = settings.extra_watts;
  options.tariff = settings.tariff;
  options.currency = settings.currency;
  options.ledger = ledger_path_of(settings);
  return options;
}

Result<std::shared_ptr<Bookkeeper>> open_books(const Settings& settings) {
  JEVONS_ASSIGN(BookkeeperOptions options, bookkeeper_options(settings));
  return Bookkeeper::open(std::move(options));
}

std::vector<std::string> ledger_complaint(const BookkeeperStatus& status) {
  if (status.ledger_problem.empty()) return {};
  return {"requests are not written to the ledger: " + status.ledger_problem};
}

std::vector<std::string> complaints_of(const BookkeeperStatus& status, const Settings& settings) {
  std::vector<std::string> lines;
  if (!status.energy && settings.energy != "off") {
    lines.emplace_back("no energy is reported, as nothing here measures it (docs/METER.md):");
    for (const std::string& one : status.missing) lines.push_back("  " + one);
    lines.emplace_back("  --watts states what the machine takes; --energy off ends this message");
  }
  if (!status.energy && !settings.tariff.empty()) {
    lines.emplace_back("--tariff has no effect: without energy there is no cost");
  }
  for (std::string& line : ledger_complaint(status)) lines.push_back(std::move(line));
  return lines;
}

std::string metering_line(const BookkeeperStatus& status) {
  if (!status.energy) return "";
  std::string line =
      fmt::format("energy by {} ({})", status.energy->what, status.energy->confidence);
  if (!status.tariff.empty()) line += ", " + status.tariff;
  return line;
}

}  // namespace jevons
