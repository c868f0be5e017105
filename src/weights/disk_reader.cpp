#include "weights/disk_reader.h"

#include <utility>

#include "base/check.h"
#include "weights/disk_files.h"
#include "weights/thread_reader.h"
#include "weights/uring_reader.h"

namespace jevons {

Result<std::unique_ptr<DiskReader>> DiskReader::open(const std::vector<std::string>& paths,
                                                     const DiskReaderOptions& options, Done done) {
  using Method = DiskReaderOptions::Method;
  JEVONS_CHECK(options.depth >= 1 && options.guess_depth >= 1 && done != nullptr);
  JEVONS_ASSIGN(std::vector<DiskFile> files, open_disk_files(paths, options.bypass_cache));
  if (options.method != Method::kThreads) {
    Result<IoRing> ring = open_io_ring(options.depth * count_disks(files));
    if (ring) {
      return open_uring_reader(std::move(*ring), std::move(files), options, std::move(done));
    }
    if (options.method == Method::kIoUring) return std::unexpected(std::move(ring).error());
  }
  return open_thread_reader(std::move(files), options, std::move(done));
}

}  // namespace jevons
