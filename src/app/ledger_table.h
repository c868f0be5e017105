// The report of the ledger for people and for programs. Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "meter/ledger_report.h"

namespace jevons {

struct LedgerQuestion {
  ReportBy by = ReportBy::kDay;
  std::string since{};  // for people: "2026-01-05", "12h ago"; "" from the beginning
};

/// 80 columns, or `columns` if that is less: name, requests, tokens, time, energy, cost, and the
/// sum of all. Says so if energy or cost of some requests is not known.
[[nodiscard]] std::string ledger_table(std::span<const ReportLine> lines,
                                       const LedgerQuestion& question, int columns);
/// RFC 4180. A cost in a second currency follows in two more columns.
[[nodiscard]] std::string ledger_csv(std::span<const ReportLine> lines,
                                     const LedgerQuestion& question);
[[nodiscard]] std::string ledger_json(std::span<const ReportLine> lines,
                                      const LedgerQuestion& question);

}  // namespace jevons
