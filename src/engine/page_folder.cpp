#include "engine/page_folder.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/private_folder.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFolderNameBytes = 8;
// Files from here on bypass the page cache: it is wanted for the model's weights.
constexpr std::size_t kLargeFileBytes = std::size_t{1} << 20;

class FileDescriptor {
 public:
  FileDescriptor(const std::string& path, int flags)
      : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor() {
    const int reason = errno;  // of whatever failed before
    if (fd_ >= 0) ::close(fd_);
    errno = reason;
  }
  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

std::string lock_path(const std::string& folder) { return folder + "/lock"; }
std::string partial_path(const std::string& folder) { return folder + "/page.partial"; }

std::int64_t mtime_ns(const struct stat& status) {
  return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

/// -1 if somebody else holds it or it cannot be opened (errno says which).
int take_lock(const std::string& path, int flags) {
  for (;;) {
    FileDescriptor lock(path, flags);
    if (lock.get() < 0 || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) return -1;
    // Another process may have removed the folder between open and lock.
    struct stat held{};
    struct stat there{};
    if (::fstat(lock.get(), &held) != 0) return -1;
    if (::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
        held.st_dev == there.st_dev) {
      return lock.release();
    }
    if ((flags & O_CREAT) == 0) return -1;
  }
}

void write_process_id(int lock_fd) {
  const std::string text = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock_fd, 0) != 0 || ::pwrite(lock_fd, text.data(), text.size(), 0) < 0) {
    spdlog::debug("cannot write into a lock file: {}", std::strerror(errno));
  }
}

std::string read_process_id(const std::string& path) {
  char text[24];
  const FileDescriptor file(path, O_RDONLY);
  const ssize_t n_read = file.get() < 0 ? 0 : ::read(file.get(), text, sizeof text);
  std::string id(text, static_cast<std::size_t>(std::max<ssize_t>(n_read, 0)));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id.empty() ? "unknown" : id;
}

/// Calls visit(path, name) for each file of <folder>/xx whose name is that of a page.
template <typename Visit>
void for_each_page(const std::string& folder, Visit visit) {
  std::error_code error;
  for (fs::directory_iterator outer(folder, error), end; !error && outer != end;
       outer.increment(error)) {
    std::error_code ignored;
    if (outer->path().filename().native().size() != 2 || !outer->is_directory(ignored)) continue;
    std::error_code inner_error;
    for (fs::directory_iterator inner(outer->path(), inner_error); !inner_error && inner != end;
         inner.increment(inner_error)) {
      const auto names = parse_page_file_name(inner->path().filename().native());
      if (names) visit(inner->path().native(), *names);
    }
  }
}

bool is_folder_name(const std::string& name) {
  return name.size() == 2 * kFolderNameBytes &&
         name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

bool read_fully(int fd, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n_read = ::read(fd, bytes.data(), bytes.size());
    if (n_read < 0 && errno == EINTR) continue;
    if (n_read == 0) errno = ENODATA;
    if (n_read <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n_read));
  }
  return true;
}

bool write_fully(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n_written = ::write(fd, bytes.data(), bytes.size());
    if (n_written < 0 && errno == EINTR) continue;
    if (n_written < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n_written));
  }
  return true;
}

}  // namespace

PageFolder::PageFolder(std::string path, std::string_view fingerprint, std::size_t page_bytes,
                       int lock_fd)
    : path_(std::move(path)),
      fingerprint_(sha256({std::as_bytes(std::span(fingerprint.data(), fingerprint.size()))})),
      page_bytes_(page_bytes),
      lock_fd_(lock_fd) {}

PageFolder::~PageFolder() { ::close(lock_fd_); }

Result<std::unique_ptr<PageFolder>> PageFolder::open(const std::string& folder,
                                                     std::string_view fingerprint,
                                                     std::size_t page_bytes) {
  const Sha256 digest = sha256({std::as_bytes(std::span(fingerprint.data(), fingerprint.size()))});
  const std::string path = folder + "/" + hex(std::span(digest).first(kFolderNameBytes));
  JEVONS_TRY(make_private_folder(path));
  const int lock_fd = take_lock(lock_path(path), O_RDWR | O_CREAT);
  if (lock_fd < 0 && errno == EWOULDBLOCK) {
    return fail("the cache folder {} is in use by another process ({})", path,
                read_process_id(lock_path(path)));
  }
  if (lock_fd < 0) return fail("cannot lock {}: {}", lock_path(path), std::strerror(errno));
  write_process_id(lock_fd);
  ::unlink(partial_path(path).c_str());
  return std::unique_ptr<PageFolder>(new PageFolder(path, fingerprint, page_bytes, lock_fd));
}

std::string PageFolder::file_path(const PageHash& hash, const PageHash& parent) const {
  return path_ + "/" + page_file_name(hash, parent);
}

std::vector<PageFolder::Listed> PageFolder::list(std::uint64_t* n_bad) {
  std::vector<Listed> pages;
  for_each_page(path_, [&](const std::string& path, const auto& names) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return;
    if (static_cast<std::uint64_t>(status.st_size) != file_bytes()) {
      spdlog::warn("removed the cache page {}: it is {} bytes long, expected {}", path,
                   status.st_size, file_bytes());
      ::unlink(path.c_str());
      ++*n_bad;
      return;
    }
    pages.push_back({names.first, names.second, mtime_ns(status)});
  });
  return pages;
}

PageFolder::ReadOutcome PageFolder::read(const PageHash& hash, const PageHash& parent,
                                         std::span<const std::int32_t> tokens,
                                         std::span<std::byte> page, std::string* why) const {
  const auto bad = [why](std::string reason) {
    *why = std::move(reason);
    return ReadOutcome::kBad;
  };
  const auto failed = [why] {
    *why = std::strerror(errno);
    return ReadOutcome::kFailed;
  };
  const FileDescriptor file(file_path(hash, parent), O_RDONLY);
  struct stat status{};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return failed();
  if (static_cast<std::uint64_t>(status.st_size) != file_bytes()) {
    return bad(fmt::format("it is {} bytes long, expected {}", status.st_size, file_bytes()));
  }
  PageHeaderBytes bytes;
  if (!read_fully(file.get(), bytes)) return failed();
  const auto header = parse_page_header(bytes);
  if (!header) return bad(header.error().message);
  if (header->fingerprint != fingerprint_) return bad("it belongs to another model or KV type");
  if (header->page_bytes != page_bytes_) {
    return bad(fmt::format("its page has {} bytes, expected {}", header->page_bytes, page_bytes_));
  }
  if (header->hash != hash || header->parent != parent ||
      !std::equal(tokens.begin(), tokens.end(), header->tokens.begin(), header->tokens.end())) {
    return bad("it belongs to other tokens");
  }
  if (!read_fully(file.get(), page)) return failed();
  if (page_bytes_ >= kLargeFileBytes) ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (!page_checksum_matches(bytes, page)) return bad("its checksum is wrong");
  return ReadOutcome::kGood;
}

Result<void> PageFolder::write(const PageHash& hash, const PageHash& parent,
                               std::span<const std::int32_t> tokens,
                               std::span<const std::byte> page) const {
  PageHeader header{page_bytes_, fingerprint_, hash, parent, {}};
  JEVONS_CHECK(tokens.size() == header.tokens.size() && page.size() == page_bytes_);
  std::copy(tokens.begin(), tokens.end(), header.tokens.begin());
  const std::string partial = partial_path(path_);
  auto written = write_partial(encode_page_header(header, page), page);
  if (written) {
    const std::string path = file_path(hash, parent);
    ::mkdir(fs::path(path).parent_path().c_str(), 0700);
    if (::rename(partial.c_str(), path.c_str()) == 0) return {};
    written = fail("cannot put {} in place: {}", path, std::strerror(errno));
  }
  ::unlink(partial.c_str());
  return written;
}

Result<void> PageFolder::write_partial(const PageHeaderBytes& header,
                                       std::span<const std::byte> page) const {
  const std::string path = partial_path(path_);
  FileDescriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (file.get() < 0 || !write_fully(file.get(), header) || !write_fully(file.get(), page)) {
    return fail("cannot write {}: {}", path, std::strerror(errno));
  }
  if (page_bytes_ >= kLargeFileBytes) {
    // Not for safety (the checksum is for that) but so that the kernel can drop the pages, and that
    // a slow disk slows this thread instead of filling memory.
    constexpr unsigned kWriteAndWait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    if (::sync_file_range(file.get(), 0, 0, kWriteAndWait) != 0 &&
        (errno == EIO || errno == ENOSPC)) {
      return fail("cannot write {}: {}", path, std::strerror(errno));
    }
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  }
  if (::close(file.release()) != 0) return fail("cannot write {}: {}", path, std::strerror(errno));
  return {};
}

void PageFolder::remove(const PageHash& hash, const PageHash& parent) const {
  const std::string path = file_path(hash, parent);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    spdlog::warn("cannot remove {}: {}", path, std::strerror(errno));
  }
}

void PageFolder::touch(const PageHash& hash, const PageHash& parent) const {
  ::utimensat(AT_FDCWD, file_path(hash, parent).c_str(), nullptr, 0);
}

std::vector<PageFolder::Neighbour> PageFolder::neighbours() const {
  std::vector<Neighbour> found;
  const fs::path own(path_);
  std::error_code error;
  for (fs::directory_iterator it(own.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().native();
    struct stat status{};
    const std::string lock = lock_path(it->path().native());
    if (!is_folder_name(name) || name == own.filename() || ::stat(lock.c_str(), &status) != 0) {
      continue;
    }
    const int lock_fd = take_lock(lock, O_RDWR);
    if (lock_fd < 0) continue;  // in use, with a limit of its own
    Neighbour neighbour{it->path().native(), 0, mtime_ns(status)};
    for_each_page(neighbour.path, [&](const std::string& path, const auto&) {
      struct stat page{};
      if (::stat(path.c_str(), &page) == 0) {
        neighbour.bytes += static_cast<std::uint64_t>(page.st_size);
      }
    });
    ::close(lock_fd);
    found.push_back(std::move(neighbour));
  }
  std::sort(found.begin(), found.end(),
            [](const Neighbour& a, const Neighbour& b) { return a.used_ns < b.used_ns; });
  return found;
}

void PageFolder::remove_neighbour(const Neighbour& neighbour) {
  const int lock_fd = take_lock(lock_path(neighbour.path), O_RDWR);
  if (lock_fd < 0) return;
  std::vector<std::string> files{partial_path(neighbour.path)};
  for_each_page(neighbour.path,
                [&](const std::string& path, const auto&) { files.push_back(path); });
  for (const std::string& file : files) ::unlink(file.c_str());
  std::error_code ignored;
  std::vector<std::string> folders;
  for (fs::directory_iterator it(neighbour.path, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    if (it->path().filename().native().size() == 2) folders.push_back(it->path().native());
  }
  for (const std::string& folder : folders) ::rmdir(folder.c_str());
  ::unlink(lock_path(neighbour.path).c_str());
  ::rmdir(neighbour.path.c_str());
  ::close(lock_fd);
  spdlog::info("removed the cache of another model to make room: {}, {} bytes", neighbour.path,
               neighbour.bytes);
}

}  // namespace jevons
