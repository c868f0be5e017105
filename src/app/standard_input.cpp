#include "app/standard_input.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace jevons {

Result<std::string> read_standard_input(std::uint64_t max_bytes) {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail("cannot read standard input: {}", std::strerror(errno));
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      return fail("standard input is larger than {} bytes", max_bytes);
    }
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace jevons
