// Rows of a ledger for tests.
#pragma once

#include <string>

#include "meter/ledger_file.h"

namespace jevons {

/// 2026-02-03 13:00 UTC, a Tuesday.
inline constexpr std::int64_t kTuesday = 1770123600;

inline LedgerRow ledger_row(const std::string& key, std::int64_t at_unix = kTuesday) {
  LedgerRow row;
  row.at_ms = at_unix * 1000;
  row.key = key;
  row.client = "curl/8";
  row.model = "nano";
  row.priority = "interactive";
  row.tokens_in = 100;
  row.tokens_cached = 40;
  row.tokens_out = 10;
  row.queue_seconds = 0.5;
  row.read_seconds = 1;
  row.write_seconds = 2;
  row.joules = 360;
  row.marginal_joules = 300;
  row.source = "rapl";
  row.confidence = "partial";
  row.cost = 0.25;
  row.currency = "EUR";
  row.stop = "stop";
  return row;
}

}  // namespace jevons
