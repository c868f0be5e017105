// Ctrl-C, and leaving the terminal as it was found. Signals exist once per process, so this is
// state of the process; the main thread owns it.
#pragma once

#include <stop_token>
#include <thread>

namespace jevons {

inline constexpr int kInterruptedExit = 130;

/// From here on Ctrl-C ends the program with exit code 130 and a terminal in order, except while
/// an AnswerInterrupt or an InterruptReport lives.
void install_signal_handlers();

/// While it lives, Ctrl-C asks for a stop instead of ending the program. A third Ctrl-C ends it
/// all the same: a step of a large model on a slow disk can be long.
class AnswerInterrupt {
 public:
  AnswerInterrupt();
  AnswerInterrupt(const AnswerInterrupt&) = delete;
  AnswerInterrupt& operator=(const AnswerInterrupt&) = delete;
  ~AnswerInterrupt();

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::thread watcher_;
};

/// While it lives, signals are only reported: a byte each at fd(), 'i' for Ctrl-C, 'w' for another
/// window size, 'c' for going on after a stop.
class InterruptReport {
 public:
  InterruptReport();
  InterruptReport(const InterruptReport&) = delete;
  InterruptReport& operator=(const InterruptReport&) = delete;
  ~InterruptReport();

  [[nodiscard]] static int fd();
};

}  // namespace jevons
