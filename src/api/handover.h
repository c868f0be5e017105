// Something that one thread makes and another takes, once.
#pragma once

#include <mutex>
#include <optional>
#include <utility>

namespace jevons {

template <typename T>
class Handover {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    value_.emplace(std::move(value));
  }
  /// Nothing: not yet, or no more.
  [[nodiscard]] std::optional<T> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(value_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<T> value_;
};

}  // namespace jevons
