#include "weights/disk_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "weights/disk_reader.h"

namespace jevons {
namespace {

// Some file systems refuse direct reads when a file is opened, others when it is read. The place is
// no more aligned than what readers ask for later.
bool refuses_direct_reads(int fd, std::uint64_t n_bytes) {
  alignas(kDirectAlignment) std::array<std::byte, kDirectAlignment> buffer;
  const std::size_t offset = n_bytes > kDirectAlignment ? kDirectAlignment : 0;
  return ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset)) < 0 &&
         errno == EINVAL;
}

// Leaves `file` without a descriptor, and errno, if it cannot be opened.
void open_descriptor(DiskFile& file, bool bypass_cache) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC;
  if (bypass_cache) {
    file.fd = FileDescriptor(::open(file.path.c_str(), kFlags | O_DIRECT));
    file.is_direct = file.fd.is_open();
    if (file.is_direct || errno != EINVAL) return;
  }
  file.fd = FileDescriptor(::open(file.path.c_str(), kFlags));
}

void read_through_cache(DiskFile& file) {
  const int flags = ::fcntl(file.fd.get(), F_GETFL);
  ::fcntl(file.fd.get(), F_SETFL, flags & ~O_DIRECT);
  file.is_direct = false;
}

Result<struct stat> open_file(DiskFile& file, bool bypass_cache) {
  open_descriptor(file, bypass_cache);
  if (!file.fd.is_open()) return fail("cannot open {}: {}", file.path, std::strerror(errno));
  struct stat status{};
  if (::fstat(file.fd.get(), &status) != 0) {
    return fail("cannot stat {}: {}", file.path, std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) return fail("{} is not a regular file", file.path);
  file.n_bytes = static_cast<std::uint64_t>(status.st_size);
  file.mtime = status.st_mtim;
  if (file.is_direct && refuses_direct_reads(file.fd.get(), file.n_bytes)) read_through_cache(file);
  // Reading on behind a piece would only take the disk's time from the next one.
  if (!file.is_direct) ::posix_fadvise(file.fd.get(), 0, 0, POSIX_FADV_RANDOM);
  return status;
}

}  // namespace

Result<std::vector<DiskFile>> open_disk_files(const std::vector<std::string>& paths,
                                              bool bypass_cache) {
  std::vector<DiskFile> files;
  std::vector<dev_t> devices;
  for (const std::string& path : paths) {
    DiskFile& file = files.emplace_back();
    file.path = path;
    JEVONS_ASSIGN(const struct stat status, open_file(file, bypass_cache));
    const auto device = std::find(devices.begin(), devices.end(), status.st_dev);
    file.disk = static_cast<int>(device - devices.begin());
    if (device == devices.end()) devices.push_back(status.st_dev);
  }
  return files;
}

int count_disks(const std::vector<DiskFile>& files) {
  int n_disks = 0;
  for (const DiskFile& file : files) n_disks = std::max(n_disks, file.disk + 1);
  return n_disks;
}

Result<void> check_unchanged(const DiskFile& file) {
  struct stat now{};
  if (::fstat(file.fd.get(), &now) != 0) {
    return fail("cannot stat {}: {}", file.path, std::strerror(errno));
  }
  if (static_cast<std::uint64_t>(now.st_size) != file.n_bytes) {
    return fail(
        "{} was changed while it was in use: it has {} bytes, and had {} when it was opened",
        file.path, now.st_size, file.n_bytes);
  }
  const timespec mtime = now.st_mtim;
  if (mtime.tv_sec != file.mtime.tv_sec || mtime.tv_nsec != file.mtime.tv_nsec) {
    return fail(
        "{} was changed while it was in use: it was last written to at {}.{:09}, and at {}.{:09} "
        "when it was opened (seconds since 1970)",
        file.path, mtime.tv_sec, mtime.tv_nsec, file.mtime.tv_sec, file.mtime.tv_nsec);
  }
  return {};
}

void drop_from_cache(const DiskFile& file, std::uint64_t offset, std::size_t n_bytes) {
  ::posix_fadvise(file.fd.get(), static_cast<off_t>(offset), static_cast<off_t>(n_bytes),
                  POSIX_FADV_DONTNEED);
}

}  // namespace jevons
