// Days and hours of a place. Immutable; any thread.
//
// Zones are read from the system's compiled ones (TZif, RFC 9636); behind their last transition the
// rule at their end holds (POSIX, "CET-1CEST,M3.5.0,M10.5.0/3").
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace jevons {

/// Seconds east of Greenwich by a rule of POSIX. Rules by day of the year (J1, 0) are not known.
class ZoneRule {
 public:
  [[nodiscard]] static Result<ZoneRule> parse(std::string_view text);
  [[nodiscard]] int offset_at(std::int64_t unix_seconds) const;

 private:
  struct Change {
    int month = 1, week = 1, weekday = 0;  // Sunday is 0; week 5: the last
    int second = 7200;                     // of that day, by the time before it
  };
  int standard_offset_ = 0;
  std::optional<int> summer_offset_;
  std::array<Change, 2> changes_;  // to summer, and back
};

class TimeZone {
 public:
  /// Of the system: TZ, else /etc/localtime.
  [[nodiscard]] static TimeZone local() { return TimeZone(); }
  /// "Europe/Berlin". Errors name the file.
  [[nodiscard]] static Result<TimeZone> named(const std::string& name,
                                              const std::string& folder = "/usr/share/zoneinfo");

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int offset_at(std::int64_t unix_seconds) const;

 private:
  [[nodiscard]] static Result<TimeZone> parse(const std::string& bytes, const std::string& path);

  std::string name_ = "local";
  bool is_local_ = true;
  std::vector<std::pair<std::int64_t, int>> changes_;  // from when on, seconds east
  int first_offset_ = 0;                               // before all of them
  std::optional<ZoneRule> rule_;                       // after all of them
};

struct LocalTime {
  int year, month, day;  // 1 to 12, 1 to 31
  int weekday;           // Monday is 0
  int second;            // of the day, by the clock
};
[[nodiscard]] LocalTime local_time(const TimeZone& zone, std::int64_t unix_seconds);
/// "2026-02-03"
[[nodiscard]] std::string day_text(const TimeZone& zone, std::int64_t unix_seconds);
/// When the day that holds the moment began, and when the next one begins; `n_days` further on.
[[nodiscard]] std::int64_t day_begin(const TimeZone& zone, std::int64_t unix_seconds,
                                     int n_days = 0);
/// Of a date by the clock of the zone. Nothing if there is no such date.
[[nodiscard]] std::optional<std::int64_t> unix_of(const TimeZone& zone, int year, int month,
                                                  int day, int second);

}  // namespace jevons
