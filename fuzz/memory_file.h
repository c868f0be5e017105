// Bytes as a file with a name, for readers that take a path; nothing reaches a disk.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"

namespace jevons {

class MemoryFile {
 public:
  MemoryFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) { JEVONS_CHECK(fd_ >= 0); }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  void set(const std::uint8_t* data, std::size_t size) const {
    JEVONS_CHECK(::ftruncate(fd_, 0) == 0);
    JEVONS_CHECK(::pwrite(fd_, data, size, 0) == static_cast<ssize_t>(size));
  }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

}  // namespace jevons
