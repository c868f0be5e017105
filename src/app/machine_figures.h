// What this machine itself says of its row in `jevons cost`: what the requests of the ledger took,
// else what a plan expects. Main thread.
#pragma once

#include <optional>
#include <string>

#include "app/config/options.h"
#include "meter/price_book.h"
#include "meter/salary.h"

namespace jevons {

/// Fills in the speeds that `machine` has not, and the watts beside them, each with its source:
///   1. Of the ledger's requests of the last 30 days those of `runs`, or, if that is absent, of the
///      model of `book` that wrote the most; `runs` is then that model.
///   2. Speeds that a plan expects of `runs`, if it is of the M2 family and jevons plan has
///   measured
///      this machine.
/// Watts of the ledger are those of one request, so they are taken with the ledger's speeds alone.
/// Errors: a ledger that is there and cannot be read.
[[nodiscard]] Result<void> add_known_figures(const Settings& settings, const PriceBook& book,
                                             const Workload& workload, OwnMachine& machine,
                                             std::optional<PricedModel>& runs);

/// Whether a model of the ledger ("MiniMax-M2.5-UD-Q3_K_XL") is the one with this id
/// ("minimax-m2.5", and neither "minimax-m2" nor "minimax-m2.5-lightning").
[[nodiscard]] bool is_model(std::string_view ledger_name, std::string_view id);

}  // namespace jevons
