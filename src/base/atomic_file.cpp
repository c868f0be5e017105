#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace jevons {

Result<AtomicFile> AtomicFile::create(const std::string& path, ::mode_t mode) {
  AtomicFile file;
  file.path_ = path;
  file.partial_path_ = fmt::format("{}.partial-{}", path, ::getpid());
  file.fd_ = ::open(file.partial_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (file.fd_ < 0) {
    return fail("cannot create {}: {}", file.partial_path_, std::strerror(errno));
  }
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      partial_path_(std::move(other.partial_path_)),
      fd_(std::exchange(other.fd_, -1)),
      position_(other.position_) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(partial_path_, other.partial_path_);
  std::swap(fd_, other.fd_);
  std::swap(position_, other.position_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(partial_path_.c_str());
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return fail("cannot write {} at byte {}: {}", path_, position_, std::strerror(errno));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
    position_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Result<void> AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text.data(), text.size())));
}

Result<void> AtomicFile::skip(std::uint64_t n_bytes) {
  position_ += n_bytes;
  if (::ftruncate(fd_, static_cast<off_t>(position_)) != 0 ||
      ::lseek(fd_, static_cast<off_t>(position_), SEEK_SET) < 0) {
    return fail("cannot extend {} to {} bytes: {}", path_, position_, std::strerror(errno));
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (::fsync(fd_) != 0) return fail("cannot flush {}: {}", path_, std::strerror(errno));
  ::close(std::exchange(fd_, -1));
  if (::rename(partial_path_.c_str(), path_.c_str()) != 0) {
    const int reason = errno;
    ::unlink(partial_path_.c_str());
    return fail("cannot put {} in place: {}", path_, std::strerror(reason));
  }
  // The rename itself must survive a power cut: flush the folder's entry too.
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
  return {};
}

Result<void> write_file_atomically(const std::string& path, std::string_view text, ::mode_t mode) {
  JEVONS_ASSIGN(AtomicFile file, AtomicFile::create(path, mode));
  JEVONS_TRY(file.write(text));
  return file.commit();
}

Result<std::string> read_file(const std::string& path, std::uint64_t max_bytes) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return fail("{} is a folder, not a file", path);
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail("cannot open {}: {}", path, std::strerror(errno));
  std::string text;
  char buffer[65536];
  while (file.read(buffer, sizeof buffer) || file.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
    if (text.size() > max_bytes) return fail("{} is larger than {} bytes", path, max_bytes);
  }
  if (file.bad()) return fail("cannot read {}: {}", path, std::strerror(errno));
  return text;
}

}  // namespace jevons
