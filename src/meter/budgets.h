// What each key may use in a day, and has used. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "meter/ledger_report.h"
#include "meter/time_zone.h"

namespace jevons {

/// A day's; 0: no limit.
struct Budget {
  std::int64_t tokens = 0;  // computed: of prompts what the cache did not have, and of answers
  double watt_hours = 0;
  double money = 0;  // in the tariff's currency

  [[nodiscard]] bool is_limited() const { return tokens > 0 || needs_energy(); }
  [[nodiscard]] bool needs_energy() const { return watt_hours > 0 || money > 0; }
};

struct SpentBudget {
  std::string message;           // which one, with both figures
  std::int64_t retry_seconds{};  // until midnight
};

class DayAccounts {
 public:
  /// `currency`: of budgets of money.
  DayAccounts(TimeZone zone, std::string currency)
      : zone_(std::move(zone)), currency_(std::move(currency)) {}

  /// What was used since the midnight before `now_unix`, as the ledger has it.
  void preset(std::map<std::string, KeyUse> uses, std::int64_t now_unix);
  /// Of a request that came at `at_unix`; counts for the day of that.
  void add(const std::string& key, const KeyUse& use, std::int64_t at_unix);
  /// Nothing while the key has not used up any of its budgets. Requests that run are not counted
  /// yet, so that a day may end above its budget by those.
  [[nodiscard]] std::optional<SpentBudget> check(const std::string& key, const Budget& budget,
                                                 std::int64_t now_unix);
  [[nodiscard]] KeyUse use_of(const std::string& key, std::int64_t now_unix);

 private:
  void turn_page(std::int64_t now_unix);

  const TimeZone zone_;
  const std::string currency_;
  std::mutex mutex_;
  std::int64_t day_begin_ = 0, day_end_ = 0;
  std::map<std::string, KeyUse> uses_;
};

}  // namespace jevons
