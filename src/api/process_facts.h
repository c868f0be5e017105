// What the kernel knows of this process. Any thread.
#pragma once

#include <cstdint>

namespace jevons {

struct ProcessFacts {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  int n_open_files = 0, n_max_files = 0, n_threads = 0;
  double started_at = 0;  // seconds since 1970
};

/// What cannot be read stays 0.
[[nodiscard]] ProcessFacts process_facts();

}  // namespace jevons
