// One line at the bottom of a terminal that says how far something has come, and is wiped away
// afterwards. Does nothing when the file descriptor is not a terminal. One thread.
#pragma once

#include <chrono>
#include <string_view>

namespace jevons {

class ProgressLine {
 public:
  explicit ProgressLine(int fd = 2);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() { clear(); }

  /// Replaces the line, cut to the width of the terminal; too frequent calls draw nothing.
  void show(std::string_view text);
  /// Draws at once.
  void show_now(std::string_view text);
  void clear();

 private:
  int fd_;
  bool enabled_;
  bool visible_ = false;
  std::chrono::steady_clock::time_point last_drawn_;
};

}  // namespace jevons
