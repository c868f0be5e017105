// Files that are read piece by piece past the page cache, and what they were like when they were
// opened. Any thread.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/result.h"

namespace jevons {

struct DiskFile {
  std::string path;
  FileDescriptor fd;
  std::uint64_t n_bytes = 0;
  timespec mtime{};
  int disk = 0;            // among those of all files, counted from 0
  bool is_direct = false;  // reads go past the page cache
};

/// In the order of the paths. Files that lie on the same device have the same disk.
[[nodiscard]] Result<std::vector<DiskFile>> open_disk_files(const std::vector<std::string>& paths,
                                                            bool bypass_cache);
[[nodiscard]] int count_disks(const std::vector<DiskFile>& files);

/// That nobody wrote to the file, cut it or let it grow since it was opened.
[[nodiscard]] Result<void> check_unchanged(const DiskFile& file);

/// Gives back the page cache's memory behind a piece that was read through it.
void drop_from_cache(const DiskFile& file, std::uint64_t offset, std::size_t n_bytes);

}  // namespace jevons
