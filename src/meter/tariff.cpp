#include "meter/tariff.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <utility>

#include "base/atomic_file.h"
#include "base/utf8.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestFile = std::uint64_t{16} << 20;

bool holds(const TariffPeriod& period, int weekday, int second) {
  const auto is_on = [&](int day) { return (period.days >> ((day + 7) % 7) & 1U) != 0; };
  if (period.from < period.to) return is_on(weekday) && second >= period.from && second < period.to;
  return (is_on(weekday) && second >= period.from) || (is_on(weekday - 1) && second < period.to);
}

}  // namespace

std::optional<double> parse_kwh_price(std::string_view text) {
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc{} && stop == text.data() + text.size();
  // Not a number compares false with everything.
  const bool is_price = is_whole && std::abs(value) <= kMostKwhPrice;
  return is_price ? std::optional(value) : std::nullopt;
}

Result<Tariff> Tariff::read(const std::string& setting, const std::string& currency) {
  if (const auto price = parse_kwh_price(setting)) {
    if (currency.empty()) {
      return fail("--tariff needs --currency: the word for what {} is, as EUR", setting);
    }
    Tariff tariff;
    tariff.price_ = price;
    tariff.currency_ = currency;
    tariff.what_ = fmt::format("{} {}/kWh", *price, currency);
    return tariff;
  }
  const std::string ending = std::filesystem::path(setting).extension().string();
  if (ending != ".toml" && ending != ".csv") {
    return fail(
        "--tariff is '{}', and must be a price of a kWh or a file that ends in .toml or .csv",
        utf8_sanitize(setting));
  }
  JEVONS_ASSIGN(const std::string text, read_file(setting, kLargestFile));
  return ending == ".toml" ? parse_toml(text, setting, currency)
                           : parse_csv(text, setting, currency);
}

std::optional<double> Tariff::price_at(std::int64_t unix_seconds) const {
  if (!prices_.empty()) {
    for (auto low = prices_.begin(), high = prices_.end(); low != high;) {
      const auto middle = low + (high - low) / 2;
      if (unix_seconds < middle->begin) {
        high = middle;
      } else if (unix_seconds >= middle->end) {
        low = middle + 1;
      } else {
        return middle->price;
      }
    }
    return std::nullopt;
  }
  const LocalTime time = local_time(zone_, unix_seconds);
  for (const TariffPeriod& period : periods_) {
    if (holds(period, time.weekday, time.second)) return period.price;
  }
  return price_;
}

Tariff::Mean Tariff::mean(std::int64_t unix_now) const {
  constexpr std::int64_t kDay = 86400, kYear = 365 * kDay, kMinute = 60;
  double sum = 0;  // price times seconds
  std::int64_t seconds = 0;
  if (!prices_.empty()) {
    const std::int64_t first = prices_.back().end - kYear;
    for (const TimedPrice& price : prices_) {
      const std::int64_t its_seconds =
          std::max<std::int64_t>(0, price.end - std::max(price.begin, first));
      sum += price.price * static_cast<double>(its_seconds);
      seconds += its_seconds;
    }
  } else if (periods_.empty()) {
    return {price_.value_or(0), static_cast<double>(kYear / kDay)};
  } else {
    const std::int64_t first = unix_now - unix_now % kMinute;
    for (std::int64_t at = first; at < first + kYear; at += kMinute) {
      sum += price_at(at).value_or(0) * static_cast<double>(kMinute);
    }
    seconds = kYear;
  }
  return {sum / static_cast<double>(seconds),
          static_cast<double>(seconds) / static_cast<double>(kDay)};
}

}  // namespace jevons
