// Large numbers for people. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

/// Decimal units, three digits: "254 kB", "24.1 MB", "139 GB".
[[nodiscard]] std::string bytes_text(double n_bytes);

/// "20.1 M", "229 B"; below ten thousand in full.
[[nodiscard]] std::string count_text(double n);

/// "500M", "1.5GB", "20GiB", "1048576"; without i, K, M, G and T are powers of 1000. Errors say
/// what a size looks like.
[[nodiscard]] Result<std::uint64_t> parse_bytes(std::string_view text);

}  // namespace jevons
