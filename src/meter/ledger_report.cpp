#include "meter/ledger_report.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <tuple>
#include <utility>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::string_view kDaySums =
    "sum(n), sum(tokens_in), sum(tokens_cached), sum(tokens_out), sum(queue_s), sum(read_s), "
    "sum(write_s), sum(n_measured), sum(microjoules), sum(marginal_microjoules), sum(n_priced), "
    "sum(nano_cost)";
// Of a single row the same. Grouping them here is faster than having SQLite sort them.
constexpr std::string_view kRowFigures =
    "1, tokens_in, tokens_cached, tokens_out, queue_s, read_s, write_s, microjoules IS NOT "
    "NULL, ifnull(microjoules, 0), ifnull(marginal_microjoules, 0), nano_cost IS NOT NULL, "
    "ifnull(nano_cost, 0)";

std::string_view column_of(ReportBy by) {
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
  return "day";
}

// Adds the columns behind name and currency.
void add_figures(ReportLine& line, const Statement& row) {
  line.n_requests += static_cast<std::uint64_t>(row.integer(2));
  line.tokens_in += row.integer(3);
  line.tokens_cached += row.integer(4);
  line.tokens_out += row.integer(5);
  line.queue_seconds += row.real(6);
  line.read_seconds += row.real(7);
  line.write_seconds += row.real(8);
  line.n_measured += static_cast<std::uint64_t>(row.integer(9));
  line.microjoules += row.integer(10);
  line.marginal_microjoules += row.integer(11);
  const auto n_priced = static_cast<std::uint64_t>(row.integer(12));
  line.n_priced += n_priced;
  if (n_priced > 0) line.nano_costs[row.text(1)] += row.integer(13);
}

// The day of a row; those that follow each other mostly came in the same minute.
class RowDay {
 public:
  explicit RowDay(const TimeZone& zone) : zone_(zone) {}
  const std::string& of(std::int64_t at_ms) {
    const std::int64_t minute = at_ms / 60'000;
    if (minute != minute_) text_ = day_text(zone_, minute * 60);
    minute_ = minute;
    return text_;
  }

 private:
  const TimeZone& zone_;
  std::int64_t minute_ = -1;
  std::string text_;
};

void sort_lines(std::vector<ReportLine>& lines, ReportBy by) {
  std::sort(lines.begin(), lines.end(), [&](const ReportLine& a, const ReportLine& b) {
    if (by == ReportBy::kDay) return a.name < b.name;
    const auto order = [](const ReportLine& line) {
      return std::tuple(-line.microjoules, -(line.tokens_in + line.tokens_out));
    };
    return order(a) != order(b) ? order(a) < order(b) : a.name < b.name;
  });
}

}  // namespace

Result<ReportSince> parse_since(std::string_view text, const TimeZone& zone,
                                std::int64_t now_unix) {
  const auto bad = [&] {
    return fail("--since is '{}', and must be as 30d, 12h, 2026-02-03 or all", utf8_sanitize(text));
  };
  if (text == "all") return ReportSince{};
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    std::string digits(text);
    std::erase(digits, '-');
    int date = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), date);
    const bool is_number = error == std::errc{} && stop == digits.data() + 8;
    if (!is_number || !unix_of(zone, date / 10000, date / 100 % 100, date % 100, 0)) return bad();
    return ReportSince{std::string(text), 0};
  }
  int n = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  constexpr int kMost = 36500;
  if (error != std::errc{} || stop + 1 != text.data() + text.size() || n < 1 || n > kMost) {
    return bad();
  }
  if (*stop == 'd') return ReportSince{day_text(zone, day_begin(zone, now_unix, 1 - n)), 0};
  if (*stop == 'h') return ReportSince{"", (now_unix - std::int64_t{n} * 3600) * 1000};
  return bad();
}

void ReportLine::add(const ReportLine& other) {
  n_requests += other.n_requests;
  tokens_in += other.tokens_in;
  tokens_cached += other.tokens_cached;
  tokens_out += other.tokens_out;
  queue_seconds += other.queue_seconds;
  read_seconds += other.read_seconds;
  write_seconds += other.write_seconds;
  n_measured += other.n_measured;
  microjoules += other.microjoules;
  marginal_microjoules += other.marginal_microjoules;
  n_priced += other.n_priced;
  for (const auto& [currency, cost] : other.nano_costs) nano_costs[currency] += cost;
}

std::map<std::string, double> ReportLine::costs() const {
  std::map<std::string, double> made;
  for (const auto& [currency, cost] : nano_costs) {
    made[currency] = static_cast<double>(cost) / kNanoPerUnit;
  }
  return made;
}

Result<std::vector<ReportLine>> ledger_report(LedgerFile& file, ReportBy by,
                                              const ReportSince& since, const TimeZone& zone) {
  const bool is_by_rows = since.at_ms != 0;
  const bool needs_day = is_by_rows && by == ReportBy::kDay;
  const std::string_view column = needs_day ? "at_ms" : column_of(by);
  const std::string sql =
      is_by_rows ? fmt::format("SELECT {}, currency, {} FROM requests WHERE at_ms >= ?1", column,
                               kRowFigures)
                 : fmt::format(
                       "SELECT {0}, currency, {1} FROM days WHERE day >= ?1 "
                       "GROUP BY {0}, currency",
                       column, kDaySums);
  JEVONS_ASSIGN(Statement query, file.database().prepare(sql));
  if (is_by_rows) {
    query.bind(1, since.at_ms);
  } else {
    query.bind(1, std::string_view(since.day));
  }
  RowDay day(zone);
  std::map<std::string, ReportLine> by_name;
  for (;;) {
    JEVONS_ASSIGN(const bool has_row, query.step());
    if (!has_row) break;
    ReportLine& sum = by_name[needs_day ? day.of(query.integer(0)) : query.text(0)];
    add_figures(sum, query);
  }
  std::vector<ReportLine> lines;
  lines.reserve(by_name.size());
  for (auto& [name, line] : by_name) {
    line.name = name;
    lines.push_back(std::move(line));
  }
  sort_lines(lines, by);
  return lines;
}

Result<std::map<std::string, KeyUse>> use_by_key(LedgerFile& file, std::int64_t since_unix,
                                                 const std::string& currency) {
  JEVONS_ASSIGN(
      Statement query,
      file.database().prepare("SELECT key, sum(tokens_in - tokens_cached + tokens_out), "
                              "sum(microjoules), sum(CASE WHEN currency = ?2 THEN nano_cost END) "
                              "FROM requests WHERE at_ms >= ?1 GROUP BY key"));
  query.bind(1, since_unix * 1000).bind(2, std::string_view(currency));
  std::map<std::string, KeyUse> uses;
  for (;;) {
    JEVONS_ASSIGN(const bool has_row, query.step());
    if (!has_row) return uses;
    uses[query.text(0)] = {query.real(1), query.real(2) / kMicroPerJoule,
                           query.real(3) / kNanoPerUnit};
  }
}

}  // namespace jevons
