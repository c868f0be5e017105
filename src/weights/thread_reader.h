// Reads with a team of threads for each disk, where the kernel refuses io_uring.
#pragma once

#include <memory>
#include <vector>

#include "base/result.h"
#include "weights/disk_files.h"
#include "weights/disk_reader.h"

namespace jevons {

[[nodiscard]] Result<std::unique_ptr<DiskReader>> open_thread_reader(
    std::vector<DiskFile> files, const DiskReaderOptions& options, DiskReader::Done done);

}  // namespace jevons
