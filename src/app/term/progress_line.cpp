#include "app/term/progress_line.h"

#include <unistd.h>

#include <string>

#include "app/term/terminal.h"

namespace jevons {
namespace {

constexpr auto kRedrawInterval = std::chrono::milliseconds(80);

void put(int fd, std::string_view text) {
  // Progress that cannot be shown is no reason to fail.
  [[maybe_unused]] const ssize_t ignored = ::write(fd, text.data(), text.size());
}

}  // namespace

ProgressLine::ProgressLine(int fd) : fd_(fd), enabled_(shows_styles(fd)) {}

void ProgressLine::show(std::string_view text) {
  if (std::chrono::steady_clock::now() - last_drawn_ >= kRedrawInterval) show_now(text);
}

void ProgressLine::show_now(std::string_view text) {
  if (!enabled_) return;
  last_drawn_ = std::chrono::steady_clock::now();
  // One column stays free: a full last column makes some terminals begin a new line.
  const std::string fitting = fit_to_width(harmless_text(text), terminal_width(fd_) - 1);
  put(fd_, "\r\x1b[K" + std::string(kDim) + fitting + std::string(kPlain));
  visible_ = true;
}

void ProgressLine::clear() {
  if (!visible_) return;
  put(fd_, "\r\x1b[K");
  visible_ = false;
}

}  // namespace jevons
