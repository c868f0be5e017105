// Counts what each API key asks for. I/O thread.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <string>

#include "api/api_keys.h"
#include "api/generation.h"

namespace jevons {

/// A request that counts against its key's limit of concurrent ones while it lives.
class KeyLease {
 public:
  explicit KeyLease(std::shared_ptr<int> n_running) : n_running_(std::move(n_running)) {
    ++*n_running_;
  }
  KeyLease(const KeyLease&) = delete;
  KeyLease& operator=(const KeyLease&) = delete;
  ~KeyLease() { --*n_running_; }

 private:
  std::shared_ptr<int> n_running_;
};

class KeyLimits {
 public:
  using Clock = std::chrono::steady_clock;

  /// Counts one request, or says when the key may ask again. A minute's requests may come at once;
  /// then one every 60 / requests_per_minute seconds.
  [[nodiscard]] std::expected<std::shared_ptr<KeyLease>, ApiError> admit(const ApiKey& key,
                                                                         Clock::time_point now);

 private:
  struct Account {
    double n_allowed = 0;  // requests that may come now
    Clock::time_point counted_at{};
    bool is_new = true;
    std::shared_ptr<int> n_running = std::make_shared<int>(0);
  };
  std::map<std::string, Account> accounts_;  // by name, so that they outlive a new keys file
};

}  // namespace jevons
