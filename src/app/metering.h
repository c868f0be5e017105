// From the settings of `jevons serve` and `jevons run` to the books that they keep. Any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/config/options.h"
#include "base/result.h"
#include "meter/bookkeeper.h"

namespace jevons {

/// --ledger, else $XDG_DATA_HOME/jevons/ledger.db or ~/.local/share/jevons/ledger.db; empty if it
/// is off, or there is no home.
[[nodiscard]] std::string ledger_path_of(const Settings& settings);

/// Errors name the option.
[[nodiscard]] Result<BookkeeperOptions> bookkeeper_options(const Settings& settings);

[[nodiscard]] Result<std::shared_ptr<Bookkeeper>> open_books(const Settings& settings);

/// What is missing, a line each: why there is no energy, why there is no ledger.
[[nodiscard]] std::vector<std::string> complaints_of(const BookkeeperStatus& status,
                                                     const Settings& settings);
/// Why there is no ledger, as one line; none if there is one or it is off.
[[nodiscard]] std::vector<std::string> ledger_complaint(const BookkeeperStatus& status);
/// What is measured, in a line: "energy by RAPL psys (measured), 0.32 EUR/kWh".
[[nodiscard]] std::string metering_line(const BookkeeperStatus& status);

}  // namespace jevons
