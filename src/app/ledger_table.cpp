#include "app/ledger_table.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "app/quantity.h"
#include "app/term/table.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kWidest = 80;
constexpr double kJoulesPerWattHour = 3600;

const char* title_of(ReportBy by) {
  switch (by) {
    case ReportBy::kDay:
      return "day";
    case ReportBy::kClient:
      return "client";
    case ReportBy::kKey:
      return "key";
    case ReportBy::kModel:
      return "model";
  }
  return "";
}

std::string count(std::int64_t n) { return count_text(static_cast<double>(n)); }

std::string time_text(double seconds) {
  if (seconds < 99.5) return fmt::format("{:.0f} s", seconds);
  if (seconds < 99.5 * 60) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string energy_text(const ReportLine& line) {
  if (line.n_measured == 0) return "-";
  const double watt_hours = line.joules() / kJoulesPerWattHour;
  if (watt_hours < 0.1) return fmt::format("{:.3g} J", line.joules());
  if (watt_hours >= 1000) return fmt::format("{:.2f} kWh", watt_hours / 1000);
  return fmt::format("{:.{}f} Wh", watt_hours, watt_hours < 10 ? 2 : 0);
}

std::string cost_text(const ReportLine& line) {
  std::string text;
  for (const auto& [currency, cost] : line.costs()) {
    if (!text.empty()) text += " + ";
    const double size = std::abs(cost);
    text += size > 0 && size < 0.0001 ? fmt::format("<0.0001 {}", currency)
                                      : fmt::format("{:.{}f} {}", cost, size < 1 ? 4 : 2, currency);
  }
  return text.empty() ? "-" : text;
}

ReportLine sum_of(std::span<const ReportLine> lines) {
  ReportLine sum;
  sum.name = "all";
  for (const ReportLine& line : lines) sum.add(line);
  return sum;
}

std::string name_of(const ReportLine& line) { return line.name.empty() ? "(none)" : line.name; }

void add_row(TextTable& table, const ReportLine& line) {
  table.add_row({name_of(line), count(static_cast<std::int64_t>(line.n_requests)),
                 count(line.tokens_in), count(line.tokens_cached), count(line.tokens_out),
                 time_text(line.read_seconds + line.write_seconds), energy_text(line),
                 cost_text(line)});
}

Json line_json(const ReportLine& line) {
  Json json{{"requests", line.n_requests},
            {"tokens_in", line.tokens_in},
            {"tokens_cached", line.tokens_cached},
            {"tokens_out", line.tokens_out},
            {"queue_seconds", line.queue_seconds},
            {"read_seconds", line.read_seconds},
            {"write_seconds", line.write_seconds},
            {"requests_with_energy", line.n_measured},
            {"joules", line.joules()},
            {"marginal_joules", line.marginal_joules()},
            {"requests_with_cost", line.n_priced},
            {"cost", Json::object()}};
  for (const auto& [currency, cost] : line.costs()) json["cost"][utf8_sanitize(currency)] = cost;
  return json;
}

// A whole number of millionths or billionths as a decimal fraction, without zeros at its end.
std::string decimal(std::int64_t n, int n_digits) {
  const bool is_negative = n < 0;
  const std::uint64_t size =
      is_negative ? 0 - static_cast<std::uint64_t>(n) : static_cast<std::uint64_t>(n);
  std::string digits = fmt::format("{:0{}}", size, n_digits + 1);
  digits.insert(digits.size() - static_cast<std::size_t>(n_digits), ".");
  digits.resize(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return (is_negative ? "-" : "") + digits;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

}  // namespace

std::string ledger_table(std::span<const ReportLine> lines, const LedgerQuestion& question,
                         int columns) {
  const std::string since = question.since.empty() ? "ever" : "since " + question.since;
  if (lines.empty()) return fmt::format("no requests {}\n", since);
  TextTable table(
      {title_of(question.by), ">requests", ">in", ">cached", ">out", ">time", ">energy", ">cost"});
  for (const ReportLine& line : lines) add_row(table, line);
  const ReportLine sum = sum_of(lines);
  if (lines.size() > 1) add_row(table, sum);
  std::string text =
      fmt::format("Requests {}. in, cached, out: tokens; time: reading and writing.\n\n{}", since,
                  table.render(std::min(columns, kWidest)));
  if (sum.n_measured < sum.n_requests) {
    text += fmt::format("\nThe energy of {} of {} requests is not known, and not in the sums.\n",
                        sum.n_requests - sum.n_measured, sum.n_requests);
  }
  if (sum.n_priced > 0 && sum.n_priced < sum.n_measured) {
    text += fmt::format("{}The cost of {} requests is not known: there was no tariff.\n",
                        sum.n_measured < sum.n_requests ? "" : "\n", sum.n_measured - sum.n_priced);
  }
  return text;
}

std::string ledger_csv(std::span<const ReportLine> lines, const LedgerQuestion& question) {
  std::string text = fmt::format(
      "{},requests,tokens_in,tokens_cached,tokens_out,queue_seconds,read_seconds,write_seconds,"
      "requests_with_energy,joules,marginal_joules,requests_with_cost,cost,currency\r\n",
      title_of(question.by));
  for (const ReportLine& line : lines) {
    const std::string head = fmt::format(
        "{},{},{},{},{},{:.3f},{:.3f},{:.3f},{},{},{},{}", quoted(line.name), line.n_requests,
        line.tokens_in, line.tokens_cached, line.tokens_out, line.queue_seconds, line.read_seconds,
        line.write_seconds, line.n_measured, decimal(line.microjoules, 6),
        decimal(line.marginal_microjoules, 6), line.n_priced);
    text += head;
    // Costs in further currencies follow in pairs of columns.
    if (line.nano_costs.empty()) text += ",,";
    for (const auto& [currency, cost] : line.nano_costs) {
      text += fmt::format(",{},{}", decimal(cost, 9), quoted(currency));
    }
    text += "\r\n";
  }
  return text;
}

std::string ledger_json(std::span<const ReportLine> lines, const LedgerQuestion& question) {
  Json json{{"by", title_of(question.by)}, {"since", question.since}, {"lines", Json::array()}};
  for (const ReportLine& line : lines) {
    Json one{{title_of(question.by), utf8_sanitize(line.name)}};
    one.update(line_json(line));
    json["lines"].push_back(std::move(one));
  }
  json["total"] = line_json(sum_of(lines));
  return json.dump(2);
}

}  // namespace jevons
