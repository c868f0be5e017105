// The text of prices.toml, which the build puts into the program. Constant; any thread.
#pragma once

#include <string_view>

namespace jevons {

extern const std::string_view kShippedPrices;

}  // namespace jevons
