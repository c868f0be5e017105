#include "engine/write_budget.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "engine/page_hash.h"

namespace jevons {
namespace {

constexpr std::size_t kDayDigits = 8;
constexpr std::size_t kByteDigits = 20;
constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kRecordBytes = kDayDigits + 1 + kByteDigits + 1 + 2 * kCheckBytes + 1;

// Several processes may write into one folder: each update is a transaction of its own.
class FileLock {
 public:
  explicit FileLock(int fd) : fd_(fd) {
    while (::flock(fd_, LOCK_EX) != 0 && errno == EINTR) {
    }
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock() { ::flock(fd_, LOCK_UN); }

 private:
  int fd_;
};

template <typename T>
bool parse_number(std::string_view digits, T& value) {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size();
}

}  // namespace

std::string budget_record(std::int64_t day, std::uint64_t bytes) {
  const std::string text = fmt::format("{:08} {:020}", day, bytes);
  const Sha256 digest = sha256({std::as_bytes(std::span(text.data(), text.size()))});
  return fmt::format("{} {}\n", text, hex(std::span(digest).first(kCheckBytes)));
}

std::int64_t utc_day_now() {
  return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now())
      .time_since_epoch()
      .count();
}

Result<WriteBudget> WriteBudget::open(const std::string& path, std::uint64_t limit_bytes,
                                      std::int64_t today, std::uint64_t bytes_known_today) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail("cannot open {}: {}", path, std::strerror(errno));
  WriteBudget budget(path, fd, limit_bytes);
  const FileLock lock(fd);
  const off_t length = ::lseek(fd, 0, SEEK_END);
  if (length < 0) return fail("cannot read {}: {}", path, std::strerror(errno));
  if (budget.load(today)) return budget;
  // Empty is new, or what a power cut left of it.
  if (length > 0) {
    spdlog::warn("{} is damaged; going on with {} bytes written today", path, bytes_known_today);
    if (::ftruncate(fd, 0) != 0) return fail("cannot write {}: {}", path, std::strerror(errno));
  }
  budget.day_ = today;
  budget.bytes_ = bytes_known_today;
  budget.save();
  return budget;
}

WriteBudget::WriteBudget(WriteBudget&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      limit_bytes_(other.limit_bytes_),
      day_(other.day_),
      bytes_(other.bytes_),
      save_failed_(other.save_failed_) {}

WriteBudget::~WriteBudget() {
  if (fd_ >= 0) ::close(fd_);
}

bool WriteBudget::spend(std::uint64_t n_bytes, std::int64_t today) {
  const FileLock lock(fd_);
  // What another process added counts too. If the file has become unreadable, memory serves.
  load(today);
  if (today > day_) {
    day_ = today;
    bytes_ = 0;
  }
  if (!has_room(n_bytes, today)) return false;
  bytes_ += n_bytes;
  save();
  return true;
}

// False if the file does not hold a record. A day that lies ahead is the clock's mistake or was:
// one day is believed, so that turning the clock back frees nothing; more is damage.
bool WriteBudget::load(std::int64_t today) {
  char text[kRecordBytes + 1];
  const ssize_t n_read = ::pread(fd_, text, sizeof text, 0);
  if (n_read != static_cast<ssize_t>(kRecordBytes)) return false;
  const std::string_view record(text, kRecordBytes);
  std::int64_t day = 0;
  std::uint64_t bytes = 0;
  if (!parse_number(record.substr(0, kDayDigits), day) ||
      !parse_number(record.substr(kDayDigits + 1, kByteDigits), bytes) ||
      record != budget_record(day, bytes) || day > today + 1) {
    return false;
  }
  day_ = day;
  bytes_ = bytes;
  return true;
}

void WriteBudget::save() {
  const std::string record = budget_record(day_, bytes_);
  // In place, one short write: a killed process leaves the old line or the new one.
  const bool failed =
      ::pwrite(fd_, record.data(), record.size(), 0) != static_cast<ssize_t>(record.size());
  if (failed && !save_failed_) {
    spdlog::warn("cannot write {}: {}; counting in memory", path_, std::strerror(errno));
  }
  save_failed_ = failed;
}

}  // namespace jevons
