// How fast the disk gives what streaming asks of it. One thread calls; on a machine that does other
// things meanwhile the figure means little.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "weights/expert_layout.h"

namespace jevons {

/// Bytes per second of reading experts in random order past the page cache, `depth` parts of them
/// under way at once, for about `seconds`.
[[nodiscard]] Result<double> measure_disk_speed(const std::vector<std::string>& paths,
                                                const ExpertLayout& layout, int depth,
                                                double seconds);

}  // namespace jevons
