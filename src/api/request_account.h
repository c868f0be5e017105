// From a request that is over to its row in the ledger. Pure; any thread.
#pragma once

#include "api/request_record.h"
#include "meter/ledger_file.h"

namespace jevons {

/// With its energy, if that is known.
[[nodiscard]] LedgerRow ledger_row(const RequestRecord& record, const std::string& currency);

}  // namespace jevons
