// jevons cost report: the ledger by day, client, key or model. Main thread.
#pragma once

#include "app/commands.h"

namespace jevons {

/// `app`: the subcommand `report` of `cost`.
CommandBody define_cost_report(CLI::App& app);

}  // namespace jevons
