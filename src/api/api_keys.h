// API keys: who may ask, and how much. Immutable once read; any thread.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"
#include "meter/budgets.h"

namespace jevons {

struct ApiKey {
  std::string name;
  std::array<unsigned char, 32> sha256{};  // of the key's text; the text itself is not kept
  Priority priority = Priority::kInteractive;
  int requests_per_minute = 0;  // 0: no limit, here and below
  int max_concurrent = 0;
  int max_tokens = 0;     // of one answer
  Budget budget{};        // of a day
  bool sees_all = false;  // requests of every key and addresses on the status page
};

class ApiKeys {
 public:
  /// No keys: everyone may ask.
  ApiKeys() = default;

  /// The one key of a command line.
  [[nodiscard]] static Result<ApiKeys> single(std::string_view key);

  /// A TOML file with a [[key]] table for each: name, key or sha256 (64 hexadecimal digits), and
  /// optionally priority ("interactive", "background"), requests_per_minute, max_concurrent,
  /// max_tokens, tokens_per_day, watt_hours_per_day, money_per_day, sees_all. Errors name the file,
  /// the line and the field; never a key.
  [[nodiscard]] static Result<ApiKeys> read(const std::string& path);

  [[nodiscard]] bool empty() const { return keys_.empty(); }
  [[nodiscard]] std::span<const std::shared_ptr<const ApiKey>> all() const { return keys_; }

  /// The key that was presented, or null. Takes the same time whichever key it is.
  [[nodiscard]] std::shared_ptr<const ApiKey> find(std::string_view presented) const;

 private:
  std::vector<std::shared_ptr<const ApiKey>> keys_;
};

}  // namespace jevons
