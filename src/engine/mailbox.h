// Messages to the engine's thread. Any thread sends; one takes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "engine/sequence.h"

namespace jevons {

struct Mail {
  struct Loaded {
    CompletionId id;
    std::uint64_t ticket;
    int n_good_pages;
  };
  std::vector<std::unique_ptr<Sequence>> submitted;  // in the order of their ids
  std::vector<CompletionId> cancelled;
  std::vector<Loaded> loaded;
  bool look_again = false;  // something changed that is not in here
  bool stop = false;

  [[nodiscard]] bool empty() const {
    return submitted.empty() && cancelled.empty() && loaded.empty() && !look_again && !stop;
  }
};

class Mailbox {
 public:
  /// Changes what waits under the lock: `change(Mail&)`.
  template <typename Change>
  void send(Change change) {
    {
      const std::lock_guard lock(mutex_);
      change(mail_);
    }
    arrived_.notify_one();
  }

  /// What is there now, perhaps nothing.
  [[nodiscard]] Mail take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(mail_, {});
  }
  /// Waits for something, until `limit` at most.
  [[nodiscard]] Mail wait(std::optional<EngineClock::time_point> limit) {
    std::unique_lock lock(mutex_);
    const auto has_mail = [&] { return !mail_.empty(); };
    if (limit) {
      arrived_.wait_until(lock, *limit, has_mail);
    } else {
      arrived_.wait(lock, has_mail);
    }
    return std::exchange(mail_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  Mail mail_;
};

}  // namespace jevons
