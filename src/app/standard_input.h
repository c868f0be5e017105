// Reading all of standard input. Main thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace jevons {

/// Up to its end; the last line feed is left out. Refuses more than `max_bytes`.
[[nodiscard]] Result<std::string> read_standard_input(std::uint64_t max_bytes);

}  // namespace jevons
