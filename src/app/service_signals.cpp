#include "app/service_signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "app/term/interrupt.h"

namespace jevons {
namespace {

constexpr int kWake = SIGUSR1;

sigset_t signals(bool for_stopping_only) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  if (!for_stopping_only) {
    sigaddset(&set, SIGHUP);
    sigaddset(&set, kWake);
  }
  return set;
}

}  // namespace

ServiceSignals::ServiceSignals() {
  const sigset_t set = signals(false);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

ServiceSignals::Event ServiceSignals::next(std::chrono::milliseconds most) {
  const sigset_t set = signals(false);
  const timespec time{most.count() / 1000, most.count() % 1000 * 1'000'000};
  switch (::sigtimedwait(&set, nullptr, &time)) {
    case SIGTERM:
    case SIGINT:
      return Event::kStop;
    case SIGHUP:
      return Event::kReload;
    case kWake:
      return Event::kWoken;
    default:
      return Event::kTimeout;
  }
}

void ServiceSignals::wake() { ::kill(::getpid(), kWake); }

void ServiceSignals::exit_on_next() {
  std::thread([] {
    const sigset_t set = signals(true);
    int signal = 0;
    while (::sigwait(&set, &signal) != 0) {
    }
    ::_exit(kInterruptedExit);
  }).detach();
}

}  // namespace jevons
