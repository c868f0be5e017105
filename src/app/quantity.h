// Large numbers for people. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>

namespace jevons {

/// Decimal units, three digits: "254 kB", "24.1 MB", "139 GB".
[[nodiscard]] std::string bytes_text(double n_bytes);

/// "20.1 M", "229 B"; below ten thousand in full.
[[nodiscard]] std::string count_text(double n);

}  // namespace jevons
