#include "model/routing_recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

namespace jevons {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{64} << 10;
// A line may go over that by as much; no usual network has longer ones.
constexpr std::size_t kLineBytes = 4096;

void append_number(std::string& out, int number) {
  std::array<char, 12> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace

Result<std::unique_ptr<RoutingRecorder>> RoutingRecorder::create(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail("cannot create {}: {}", path, std::strerror(errno));
  std::unique_ptr<RoutingRecorder> recorder(new RoutingRecorder(path, fd));
  struct ::stat facts{};
  if (::fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) return recorder;
  // A slip of the hand must not cost a model.
  if (facts.st_size > 0 && std::ifstream(path).get() != '[') {
    return fail("{} is no routing trace, and is not overwritten", path);
  }
  if (::ftruncate(fd, 0) != 0) return fail("cannot empty {}: {}", path, std::strerror(errno));
  return recorder;
}

RoutingRecorder::RoutingRecorder(std::string path, int fd) : path_(std::move(path)), fd_(fd) {
  buffer_.reserve(kFlushBytes + kLineBytes);
}

RoutingRecorder::~RoutingRecorder() {
  flush();
  ::close(fd_);
}

void RoutingRecorder::add(int layer, std::span<const int> experts) {
  if (has_ended_) return;
  buffer_ += '[';
  append_number(buffer_, layer);
  buffer_ += ",[";
  for (std::size_t rank = 0; rank < experts.size(); ++rank) {
    if (rank > 0) buffer_ += ',';
    append_number(buffer_, experts[rank]);
  }
  buffer_ += "]]\n";
  if (buffer_.size() >= kFlushBytes) flush();
}

void RoutingRecorder::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !has_ended_) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      // The file ends here: with a hole in the middle nobody could read what follows.
      problem_.message =
          fmt::format("cannot write {}: {}; the rest is not recorded", path_, std::strerror(errno));
      has_ended_ = true;
      has_problem_.store(true);
    }
  }
  buffer_.clear();
}

std::optional<Error> RoutingRecorder::take_problem() {
  if (!has_problem_.exchange(false)) return std::nullopt;
  return problem_;
}

}  // namespace jevons
