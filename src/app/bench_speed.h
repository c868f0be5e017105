// The speeds in a file that `jevons bench --json` wrote. Any thread.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "meter/salary.h"

namespace jevons {

/// Of one answer the fastest that was measured, and of a prompt; absent if none was. Each source
/// names the file and the test.
struct BenchSpeed {
  std::optional<KnownFigure> answer, prompt;
};

/// The error names the file and what is wrong with it.
[[nodiscard]] Result<BenchSpeed> read_bench_speed(const std::string& path);

}  // namespace jevons
