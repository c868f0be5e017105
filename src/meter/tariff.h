// What a kilowatt-hour costs, and when. Any thread may ask; reading a file again is the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/time_zone.h"

namespace jevons {

/// A price for some hours of some days.
struct TariffPeriod {
  unsigned days = 0x7f;  // bits: Monday is 1
  int from = 0, to = 0;  // seconds of the day; to <= from: until then on the next day, which
                         // counts for the day on which it began
  double price = 0;      // of a kWh
};

/// More than a kilowatt-hour costs in any currency; less than minus this is no price either.
inline constexpr double kMostKwhPrice = 1e6;
/// "0.32", "-0.02". Absent: not a number, or beyond kMostKwhPrice.
[[nodiscard]] std::optional<double> parse_kwh_price(std::string_view text);

class Tariff {
 public:
  /// A price, as "0.32", or the path of a file: .toml (periods), .csv (prices with their times).
  /// `currency`: the user's word for it; needed unless the file has one. Errors name file and line.
  [[nodiscard]] static Result<Tariff> read(const std::string& setting, const std::string& currency);
  /// As the files hold it; `path` is for errors.
  [[nodiscard]] static Result<Tariff> parse_toml(const std::string& text, const std::string& path,
                                                 const std::string& currency);
  [[nodiscard]] static Result<Tariff> parse_csv(const std::string& text, const std::string& path,
                                                const std::string& currency);

  /// Of a kWh. Absent: the file has no price for this time.
  [[nodiscard]] std::optional<double> price_at(std::int64_t unix_seconds) const;
  struct Mean {
    double price = 0;  // of a kWh
    double days = 0;   // that it is the mean of
  };
  /// Over a year, each minute of which counts the same: the one that begins now, or, of prices
  /// with their times, the last year that the file has, as far as it has one.
  [[nodiscard]] Mean mean(std::int64_t unix_now) const;
  [[nodiscard]] const std::string& currency() const { return currency_; }
  /// Whose midnight ends a day.
  [[nodiscard]] const TimeZone& zone() const { return zone_; }
  /// "0.32 EUR/kWh", "5 periods of tariff.toml", "48 prices of spot.csv"
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  struct TimedPrice {
    std::int64_t begin, end;
    double price;
  };
  std::string currency_, what_;
  TimeZone zone_ = TimeZone::local();
  std::optional<double> price_;  // where no period is
  std::vector<TariffPeriod> periods_;
  std::vector<TimedPrice> prices_;  // by their times
};

}  // namespace jevons
