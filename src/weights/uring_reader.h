// Reads with io_uring: one thread owns the ring, hands reads to the kernel and sleeps until some
// have ended or new ones have come.
#pragma once

#include <memory>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "weights/disk_files.h"
#include "weights/disk_reader.h"

struct io_uring;

namespace jevons {

/// What the kernel has to grant, and often does not inside a container.
struct IoRing {
  struct Exit {
    void operator()(io_uring* ring) const;
  };
  std::unique_ptr<io_uring, Exit> ring;
  FileDescriptor wake;  // an eventfd
};

/// For `n_reads` at once.
[[nodiscard]] Result<IoRing> open_io_ring(int n_reads);

/// The ring is for as many reads as the options allow on all disks together.
[[nodiscard]] Result<std::unique_ptr<DiskReader>> open_uring_reader(
    IoRing ring, std::vector<DiskFile> files, const DiskReaderOptions& options,
    DiskReader::Done done);

}  // namespace jevons
