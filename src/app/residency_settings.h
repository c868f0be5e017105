// How the settings say to hold a model that is larger than memory. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "app/config/options.h"
#include "base/result.h"

namespace jevons {

/// --ram in bytes; 0 if it was not given.
[[nodiscard]] Result<std::uint64_t> ram_bytes_of(const Settings& settings);

/// Where the use of experts is kept between runs: --cache-dir, else $XDG_CACHE_HOME/jevons, else
/// ~/.cache/jevons; empty without a home.
[[nodiscard]] std::string statistics_folder_of(const Settings& settings);

}  // namespace jevons
