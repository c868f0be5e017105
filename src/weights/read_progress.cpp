#include "weights/read_progress.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace jevons {
namespace {

// Signals and a kernel short of memory pass; a device that always says so does not.
constexpr int kMaxRetries = 1000;
// The system reads no more than 2 GiB at once.
constexpr std::size_t kMaxBytesAtOnce = std::size_t{1} << 30;

}  // namespace

std::uint32_t ReadProgress::next_bytes() const {
  return static_cast<std::uint32_t>(std::min(kMaxBytesAtOnce, all_bytes() - next_from()));
}

std::optional<Result<void>> ReadProgress::note(std::int64_t answer, const DiskFile& file) {
  if (answer < 0) {
    const int error = static_cast<int>(-answer);
    if ((error == EINTR || error == EAGAIN) && ++n_retries_ <= kMaxRetries) return std::nullopt;
    return fail("{}: cannot read {} bytes at offset {}: {}", file.path, read_.n_bytes, read_.offset,
                std::strerror(error));
  }
  const std::size_t n_read = next_from() + static_cast<std::size_t>(answer);
  const bool moved = n_read > n_read_;
  n_read_ = std::max(n_read_, n_read);
  if (n_read_ >= direct_slack(read_.offset) + read_.n_bytes) return Result<void>{};
  if (!moved) return end_of_file(file);
  n_retries_ = 0;
  return std::nullopt;
}

Result<void> ReadProgress::end_of_file(const DiskFile& file) const {
  const std::size_t slack = direct_slack(read_.offset);
  const std::size_t n_asked_for = n_read_ - std::min(n_read_, slack);
  struct stat now{};
  ::fstat(file.fd.get(), &now);
  const auto n_bytes_now = static_cast<std::uint64_t>(now.st_size);
  const char* const why = n_bytes_now < file.n_bytes ? "the file is shorter than when it was opened"
                                                     : "the system says that the file ends there";
  return fail("{}: read {} of {} bytes at offset {}: {} ({} bytes now, {} then)", file.path,
              n_asked_for, read_.n_bytes, read_.offset, why, n_bytes_now, file.n_bytes);
}

}  // namespace jevons
