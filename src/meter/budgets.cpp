#include "meter/budgets.h"

#include <algorithm>
#include <utility>

namespace jevons {

void DayAccounts::turn_page(std::int64_t now_unix) {
  if (now_unix < day_end_ && now_unix >= day_begin_) return;
  // A clock that is set back frees nothing.
  if (now_unix >= day_end_) uses_.clear();
  day_begin_ = day_begin(zone_, now_unix);
  day_end_ = day_begin(zone_, now_unix, 1);
}

void DayAccounts::preset(std::map<std::string, KeyUse> uses, std::int64_t now_unix) {
  const std::lock_guard lock(mutex_);
  turn_page(now_unix);
  uses_ = std::move(uses);
}

void DayAccounts::add(const std::string& key, const KeyUse& use, std::int64_t at_unix) {
  const std::lock_guard lock(mutex_);
  // What came before midnight counts for yesterday.
  if (at_unix < day_begin_) return;
  turn_page(at_unix);
  KeyUse& sum = uses_[key];
  sum.tokens += use.tokens;
  sum.joules += use.joules;
  sum.cost += use.cost;
}

std::optional<SpentBudget> DayAccounts::check(const std::string& key, const Budget& budget,
                                              std::int64_t now_unix) {
  if (!budget.is_limited()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  turn_page(now_unix);
  const KeyUse use = uses_[key];
  const std::int64_t seconds = std::max<std::int64_t>(1, day_end_ - now_unix);
  const double watt_hours = use.joules / 3600;
  if (budget.tokens > 0 && use.tokens >= static_cast<double>(budget.tokens)) {
    return SpentBudget{fmt::format("the key '{}' may use {} tokens a day, and has used {:.0f}; the "
                                   "day ends at midnight",
                                   key, budget.tokens, use.tokens),
                       seconds};
  }
  if (budget.watt_hours > 0 && watt_hours >= budget.watt_hours) {
    return SpentBudget{fmt::format("the key '{}' may use {} Wh a day, and has used {:.3g}; the day "
                                   "ends at midnight",
                                   key, budget.watt_hours, watt_hours),
                       seconds};
  }
  if (budget.money > 0 && use.cost >= budget.money) {
    return SpentBudget{
        fmt::format("the key '{}' may cost {} {} a day, and has cost {:.3g}; the day "
                    "ends at midnight",
                    key, budget.money, currency_, use.cost),
        seconds};
  }
  return std::nullopt;
}

KeyUse DayAccounts::use_of(const std::string& key, std::int64_t now_unix) {
  const std::lock_guard lock(mutex_);
  turn_page(now_unix);
  return uses_[key];
}

}  // namespace jevons
