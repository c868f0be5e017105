#include "meter/time_zone.h"

#include <time.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>

#include "base/atomic_file.h"
#include "base/utf8.h"
#include "meter/day.h"

namespace jevons {
namespace {

constexpr std::int64_t kDay = 86400;
constexpr std::uint64_t kLargestZone = 1 << 20;

std::int64_t days_of(int year, int month, int day) {
  using namespace std::chrono;
  return sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

std::int64_t floor_days(std::int64_t seconds) { return day_of(seconds).time_since_epoch().count(); }

// Reads "CET-1CEST,M3.5.0,M10.5.0/3" piece by piece.
class RuleText {
 public:
  explicit RuleText(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool is_empty() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_name() {
    std::size_t n = 0;
    if (rest_.starts_with('<')) {
      n = rest_.find('>');
      if (n == std::string_view::npos) return false;
      ++n;
    } else {
      while (n < rest_.size() && std::isalpha(static_cast<unsigned char>(rest_[n])) != 0) ++n;
    }
    rest_.remove_prefix(n);
    return n > 0;
  }
  bool take_number(int& number) {
    const auto [stop, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc{}) return false;
    rest_.remove_prefix(static_cast<std::size_t>(stop - rest_.data()));
    return true;
  }
  // "[+-]hh[:mm[:ss]]" in seconds.
  bool take_time(int& seconds) {
    const bool is_negative = take('-');
    if (!is_negative) take('+');
    int parts[3] = {0, 0, 0};
    if (!take_number(parts[0])) return false;
    for (int i = 1; i < 3 && take(':'); ++i) {
      if (!take_number(parts[i])) return false;
    }
    // As RFC 9636 extends POSIX: a change of the clock may be some days off.
    constexpr int kMostHours = 167;
    if (parts[0] < 0 || parts[0] > kMostHours) return false;
    for (int i = 1; i < 3; ++i) {
      if (parts[i] < 0 || parts[i] > 59) return false;
    }
    seconds = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * (is_negative ? -1 : 1);
    return true;
  }

 private:
  std::string_view rest_;
};

// Big-endian numbers of a zone file; reading past its end gives zeros and is noticed.
class ZoneBytes {
 public:
  explicit ZoneBytes(std::string_view bytes) : bytes_(bytes) {}

  std::int64_t number(int n_bytes) {
    std::uint64_t value = 0;
    for (int i = 0; i < n_bytes; ++i) value = value << 8 | byte();
    const int shift = 64 - 8 * n_bytes;
    return static_cast<std::int64_t>(value << shift) >> shift;
  }
  std::uint8_t byte() {
    if (at_ >= bytes_.size()) {
      is_short_ = true;
      return 0;
    }
    return static_cast<std::uint8_t>(bytes_[at_++]);
  }
  void skip(std::int64_t n) {
    is_short_ = is_short_ || n < 0 || static_cast<std::uint64_t>(n) > bytes_.size() - at_;
    if (!is_short_) at_ += static_cast<std::size_t>(n);
  }
  [[nodiscard]] bool is_short() const { return is_short_; }
  [[nodiscard]] std::string_view rest() const {
    return bytes_.substr(std::min(at_, bytes_.size()));
  }

 private:
  std::string_view bytes_;
  std::size_t at_ = 0;
  bool is_short_ = false;
};

struct ZoneHeader {
  std::int64_t n_ut, n_standard, n_leaps, n_times, n_types, n_letters;
  static ZoneHeader read(ZoneBytes& bytes) {
    bytes.skip(20);
    ZoneHeader header{};
    for (std::int64_t* count : {&header.n_ut, &header.n_standard, &header.n_leaps, &header.n_times,
                                &header.n_types, &header.n_letters}) {
      *count = bytes.number(4);
    }
    return header;
  }
  [[nodiscard]] std::int64_t body_bytes(int time_bytes) const {
    return n_times * (time_bytes + 1) + n_types * 6 + n_letters + n_leaps * (time_bytes + 4) +
           n_standard + n_ut;
  }
};

}  // namespace

Result<ZoneRule> ZoneRule::parse(std::string_view text) {
  RuleText rest(text);
  ZoneRule rule;
  const auto bad = [&] { return fail("the rule '{}' is not understood", utf8_sanitize(text)); };
  // POSIX counts west of Greenwich.
  if (!rest.take_name() || !rest.take_time(rule.standard_offset_)) return bad();
  rule.standard_offset_ = -rule.standard_offset_;
  if (rest.is_empty()) return rule;
  if (!rest.take_name()) return bad();
  int summer = -(rule.standard_offset_ + 3600);
  if (!rest.take(',')) {
    if (!rest.take_time(summer) || !rest.take(',')) return bad();
  }
  rule.summer_offset_ = -summer;
  for (std::size_t i = 0; i < 2; ++i) {
    Change& change = rule.changes_[i];
    if (i > 0 && !rest.take(',')) return bad();
    if (!rest.take('M') || !rest.take_number(change.month) || !rest.take('.') ||
        !rest.take_number(change.week) || !rest.take('.') || !rest.take_number(change.weekday)) {
      return bad();
    }
    if (rest.take('/') && !rest.take_time(change.second)) return bad();
    if (change.month < 1 || change.month > 12 || change.week < 1 || change.week > 5 ||
        change.weekday < 0 || change.weekday > 6) {
      return bad();
    }
  }
  if (!rest.is_empty()) return bad();
  return rule;
}

int ZoneRule::offset_at(std::int64_t unix_seconds) const {
  if (!summer_offset_) return standard_offset_;
  using namespace std::chrono;
  const Day day = day_of(unix_seconds + standard_offset_);
  const year its_year = year_month_day(day).year();
  const auto moment = [&](const Change& change, int offset_before) {
    const month its_month(static_cast<unsigned>(change.month));
    const weekday its_weekday(static_cast<unsigned>(change.weekday));
    const sys_days date =
        change.week == 5
            ? sys_days(its_year / its_month / its_weekday[last])
            : sys_days(its_year / its_month / its_weekday[static_cast<unsigned>(change.week)]);
    return date.time_since_epoch().count() * kDay + change.second - offset_before;
  };
  const std::int64_t summer = moment(changes_[0], standard_offset_);
  const std::int64_t winter = moment(changes_[1], *summer_offset_);
  // South of the equator summer ends before it begins.
  const bool is_summer = summer < winter ? unix_seconds >= summer && unix_seconds < winter
                                         : unix_seconds >= summer || unix_seconds < winter;
  return is_summer ? *summer_offset_ : standard_offset_;
}

Result<TimeZone> TimeZone::named(const std::string& name, const std::string& folder) {
  const bool is_path = name.empty() || name.starts_with('/') || name.find("..") != name.npos;
  if (is_path)
    return fail("the time zone is '{}', and must be as Europe/Berlin", utf8_sanitize(name));
  const std::string path = folder + "/" + name;
  const auto bytes = read_file(path, kLargestZone);
  if (!bytes) {
    return fail("there is no time zone '{}' here ({})", utf8_sanitize(name),
                utf8_sanitize(bytes.error().message));
  }
  JEVONS_ASSIGN(TimeZone zone, parse(*bytes, path));
  zone.name_ = name;
  return zone;
}

Result<TimeZone> TimeZone::parse(const std::string& bytes, const std::string& path) {
  if (!bytes.starts_with("TZif") || bytes.size() < 44 || bytes[4] < '2') {
    return fail("{} is no time zone of version 2 or later", path);
  }
  ZoneBytes rest(bytes);
  // The first body has times of 32 bits, the second those of 64.
  rest.skip(ZoneHeader::read(rest).body_bytes(4));
  const ZoneHeader header = ZoneHeader::read(rest);
  if (header.n_times < 0 || header.n_types < 1 ||
      header.body_bytes(8) > static_cast<std::int64_t>(rest.rest().size())) {
    return fail("{} is cut off", path);
  }
  std::vector<std::int64_t> times;
  times.reserve(static_cast<std::size_t>(header.n_times));
  for (std::int64_t i = 0; i < header.n_times; ++i) times.push_back(rest.number(8));
  std::vector<std::size_t> types;
  types.reserve(static_cast<std::size_t>(header.n_times));
  for (std::int64_t i = 0; i < header.n_times; ++i) types.push_back(rest.byte());
  std::vector<int> offsets;
  for (std::int64_t i = 0; i < header.n_types; ++i) {
    offsets.push_back(static_cast<int>(rest.number(4)));
    rest.skip(2);
  }
  rest.skip(header.n_letters + header.n_leaps * 12 + header.n_standard + header.n_ut);
  if (rest.is_short()) return fail("{} is cut off", path);

  TimeZone zone;
  zone.is_local_ = false;
  zone.first_offset_ = offsets.front();
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (types[i] >= offsets.size()) return fail("{} has a transition to nowhere", path);
    zone.changes_.emplace_back(times[i], offsets[types[i]]);
  }
  std::string_view rule = rest.rest();
  if (rule.starts_with('\n')) rule.remove_prefix(1);
  rule = rule.substr(0, rule.find('\n'));
  if (!rule.empty()) {
    JEVONS_ASSIGN(zone.rule_, ZoneRule::parse(rule));
  }
  return zone;
}

int TimeZone::offset_at(std::int64_t unix_seconds) const {
  if (is_local_) {
    const std::time_t time = unix_seconds;
    std::tm parts{};
    ::localtime_r(&time, &parts);
    return static_cast<int>(parts.tm_gmtoff);
  }
  const auto after = std::upper_bound(
      changes_.begin(), changes_.end(), unix_seconds,
      [](std::int64_t moment, const auto& change) { return moment < change.first; });
  if (after == changes_.end() && rule_) return rule_->offset_at(unix_seconds);
  return after == changes_.begin() ? first_offset_ : std::prev(after)->second;
}

LocalTime local_time(const TimeZone& zone, std::int64_t unix_seconds) {
  using namespace std::chrono;
  const std::int64_t local = unix_seconds + zone.offset_at(unix_seconds);
  const Day day = day_of(local);
  const year_month_day date(day);
  return {static_cast<int>(date.year()), static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(weekday(day).iso_encoding()) - 1,
          static_cast<int>(local - day.time_since_epoch().count() * kDay)};
}

std::string day_text(const TimeZone& zone, std::int64_t unix_seconds) {
  return day_text(day_of(unix_seconds + zone.offset_at(unix_seconds)));
}

std::int64_t day_begin(const TimeZone& zone, std::int64_t unix_seconds, int n_days) {
  const std::int64_t day = floor_days(unix_seconds + zone.offset_at(unix_seconds)) + n_days;
  const auto has_begun = [&](std::int64_t moment) {
    return floor_days(moment + zone.offset_at(moment)) >= day;
  };
  // Clocks are changed in between, and at midnight too: then the day has none. So the first moment
  // whose date it is; all offsets lie within a day and a bit.
  std::int64_t before = day * kDay - 2 * kDay;
  std::int64_t begin = day * kDay + 2 * kDay;
  while (begin - before > 1) {
    const std::int64_t middle = before + (begin - before) / 2;
    (has_begun(middle) ? begin : before) = middle;
  }
  return begin;
}

std::optional<std::int64_t> unix_of(const TimeZone& zone, int year, int month, int day,
                                    int second) {
  const std::chrono::year_month_day date{std::chrono::year(year) / month / day};
  if (!date.ok() || second < 0 || second >= kDay) return std::nullopt;
  const std::int64_t local = days_of(year, month, day) * kDay + second;
  const std::int64_t guess = local - zone.offset_at(local);
  return local - zone.offset_at(guess);
}

}  // namespace jevons
