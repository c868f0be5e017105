#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/file_descriptor.h"

namespace jevons {

Result<MappedFile> MappedFile::open(const std::string& path) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return fail("cannot open {}: {}", path, std::strerror(errno));
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0)
    return fail("cannot stat {}: {}", path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("{} is not a regular file", path);
  MappedFile file;
  file.path_ = path;
  const auto n_bytes = static_cast<std::size_t>(status.st_size);
  if (n_bytes == 0) return file;
  void* address = ::mmap(nullptr, n_bytes, PROT_READ, MAP_SHARED, fd.get(), 0);
  if (address == MAP_FAILED) return fail("cannot map {}: {}", path, std::strerror(errno));
  file.bytes_ = {static_cast<const std::byte*>(address), n_bytes};
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace jevons
