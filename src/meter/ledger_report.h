// What the ledger says of a time, by day, client, key or model. Any thread with a file of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/ledger_file.h"

namespace jevons {

enum class ReportBy : std::uint8_t { kDay, kClient, kKey, kModel };

/// From when on: whole days are summed up from days, other times from rows.
struct ReportSince {
  std::string day{};       // "2026-02-03"; "" with at_ms 0: everything
  std::int64_t at_ms = 0;  // not 0: from this moment on
};
/// "30d" (today and the 29 days before), "12h", "2026-02-03", "all".
[[nodiscard]] Result<ReportSince> parse_since(std::string_view text, const TimeZone& zone,
                                              std::int64_t now_unix);

struct ReportLine {
  std::string name;
  std::uint64_t n_requests = 0;
  std::int64_t tokens_in = 0, tokens_cached = 0, tokens_out = 0;
  double queue_seconds = 0, read_seconds = 0, write_seconds = 0;
  std::uint64_t n_measured = 0;  // requests with energy
  std::int64_t microjoules = 0, marginal_microjoules = 0;
  std::uint64_t n_priced = 0;                      // requests with a cost
  std::map<std::string, std::int64_t> nano_costs;  // by currency

  [[nodiscard]] double joules() const { return static_cast<double>(microjoules) / kMicroPerJoule; }
  [[nodiscard]] double marginal_joules() const {
    return static_cast<double>(marginal_microjoules) / kMicroPerJoule;
  }
  [[nodiscard]] std::map<std::string, double> costs() const;

  void add(const ReportLine& other);
};

/// Days in their order; others by joules, then tokens, the most first.
[[nodiscard]] Result<std::vector<ReportLine>> ledger_report(LedgerFile& file, ReportBy by,
                                                            const ReportSince& since,
                                                            const TimeZone& zone);

/// What each key used since a moment: tokens that were computed, joules, costs in one currency.
struct KeyUse {
  double tokens = 0, joules = 0, cost = 0;
};
[[nodiscard]] Result<std::map<std::string, KeyUse>> use_by_key(LedgerFile& file,
                                                               std::int64_t since_unix,
                                                               const std::string& currency);

}  // namespace jevons
