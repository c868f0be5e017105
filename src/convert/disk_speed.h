// How fast the disk gives what streaming asks of it. One thread calls; on a machine that does other
// things meanwhile the figure means little.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "weights/expert_layout.h"

namespace jevons {

/// A stretch of one of several files.
struct DiskPiece {
  int file;  // index of the path
  std::uint64_t offset;
  std::size_t n_bytes;
};

/// Bytes per second of reading `pieces` in random order past the page cache, `depth` of them under
/// way at once, for about `seconds`. Errors: no pieces; the disk reader's, which name the path.
[[nodiscard]] Result<double> measure_disk_speed(const std::vector<std::string>& paths,
                                                const std::vector<DiskPiece>& pieces, int depth,
                                                double seconds);

/// Bytes per second of reading experts in random order past the page cache, `depth` parts of them
/// under way at once, for about `seconds`.
[[nodiscard]] Result<double> measure_disk_speed(const std::vector<std::string>& paths,
                                                const ExpertLayout& layout, int depth,
                                                double seconds);

}  // namespace jevons
