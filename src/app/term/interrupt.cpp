#include "app/term/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>

#include "base/check.h"

namespace jevons {
namespace {

constexpr int kPressesToExit = 3;

// What the handlers may touch: plain values and lock-free atomics.
struct SignalState {
  std::atomic<bool> reports{false};
  std::atomic<int> n_presses{0};
  int pipe[2] = {-1, -1};
  termios saved{};
  bool has_terminal = false;
};
SignalState g_signals;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free);

void report(char what) {
  const int saved_errno = errno;
  [[maybe_unused]] const ssize_t ignored = ::write(g_signals.pipe[1], &what, 1);
  errno = saved_errno;
}

// Plain style, no bracketed paste, line mode with echo.
void restore_terminal() {
  if (!g_signals.has_terminal) return;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &g_signals.saved);
  if (::isatty(STDOUT_FILENO) == 1) {
    constexpr std::string_view kReset = "\x1b[?2004l\x1b[0m\r\n";
    [[maybe_unused]] const ssize_t ignored = ::write(STDOUT_FILENO, kReset.data(), kReset.size());
  }
}

void on_interrupt(int /*signal*/) {
  const bool must_exit = g_signals.n_presses.fetch_add(1) + 1 >= kPressesToExit;
  if (!g_signals.reports.load() || must_exit) {
    restore_terminal();
    ::_exit(kInterruptedExit);
  }
  report('i');
}

void on_termination(int signal) {
  restore_terminal();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void on_resize(int /*signal*/) {
  if (g_signals.reports.load()) report('w');
}

void on_continue(int /*signal*/) {
  if (g_signals.reports.load()) report('c');
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

void begin_reports() {
  char drained[64];
  while (::read(g_signals.pipe[0], drained, sizeof drained) > 0) {
  }
  g_signals.n_presses.store(0);
  g_signals.reports.store(true);
}

}  // namespace

void install_signal_handlers() {
  JEVONS_CHECK(::pipe2(g_signals.pipe, O_CLOEXEC | O_NONBLOCK) == 0);
  g_signals.has_terminal = ::tcgetattr(STDIN_FILENO, &g_signals.saved) == 0;
  handle(SIGINT, on_interrupt);
  handle(SIGTERM, on_termination);
  handle(SIGHUP, on_termination);
  handle(SIGWINCH, on_resize);
  handle(SIGCONT, on_continue);
}

AnswerInterrupt::AnswerInterrupt() {
  begin_reports();
  watcher_ = std::thread([this] {
    for (;;) {
      pollfd waiting{g_signals.pipe[0], POLLIN, 0};
      if (::poll(&waiting, 1, -1) < 0) continue;
      char what = 0;
      if (::read(g_signals.pipe[0], &what, 1) != 1) continue;
      if (what == 'i') source_.request_stop();
      if (what == 'q') return;
    }
  });
}

AnswerInterrupt::~AnswerInterrupt() {
  g_signals.reports.store(false);
  report('q');
  watcher_.join();
}

InterruptReport::InterruptReport() { begin_reports(); }
InterruptReport::~InterruptReport() { g_signals.reports.store(false); }
int InterruptReport::fd() { return g_signals.pipe[0]; }

}  // namespace jevons
