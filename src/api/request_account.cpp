#include "api/request_account.h"

#include "base/utf8.h"
#include "meter/bookkeeper.h"

namespace jevons {

LedgerRow ledger_row(const RequestRecord& record, const std::string& currency) {
  LedgerRow row;
  row.at_ms = record.received_unix_ms;
  row.key = record.key_name;
  row.client = utf8_sanitize(record.client);
  row.model = record.model;
  row.priority = record.is_background ? "background" : "interactive";
  row.tokens_in = record.n_prompt_tokens;
  row.tokens_cached = record.n_cached_tokens;
  row.tokens_out = record.n_answer_tokens;
  row.queue_seconds = record.queue_ms / 1000;
  row.read_seconds = record.prompt_ms / 1000;
  row.write_seconds = record.generation_ms / 1000;
  row.stop = record.stop_reason.empty() ? "failed" : record.stop_reason;
  if (record.energy) put_energy(row, *record.energy, currency);
  return row;
}

}  // namespace jevons
