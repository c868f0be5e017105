// The two kinds of tariff files: periods in TOML, prices with their times in CSV.
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string_view>

#include "base/utf8.h"
#include "meter/tariff.h"

namespace jevons {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::array<std::string_view, 7> kDays = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

// Two digits at a place of a text.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t n) {
  if (at + n > text.size()) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(at, n)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = 10 * value + (c - '0');
  }
  return value;
}

// "22:00", "24:00"
std::optional<int> clock_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hour = digits(text, 0, 2);
  const auto minute = digits(text, 3, 2);
  if (!hour || !minute || *minute > 59 || *hour > 24 || (*hour == 24 && *minute > 0)) {
    return std::nullopt;
  }
  return *hour * 3600 + *minute * 60;
}

std::optional<unsigned> day_number(std::string_view text) {
  const auto found = std::find(kDays.begin(), kDays.end(), text);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<unsigned>(found - kDays.begin());
}

// "sat", "mon-fri", "sat-mon", as bits.
std::optional<unsigned> day_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = day_number(text.substr(0, dash));
  const auto last = dash == text.npos ? first : day_number(text.substr(dash + 1));
  if (!first || !last) return std::nullopt;
  unsigned bits = 0;
  for (unsigned day = *first;; day = (day + 1) % 7) {
    bits |= 1U << day;
    if (day == *last) return bits;
  }
}

// Reads a tariff's TOML; every error has its line.
class TariffToml {
 public:
  explicit TariffToml(const std::string& path) : path_(path) {}

  Result<double> price(const toml::table& table) const {
    const toml::node* node = table.get("price");
    if (node == nullptr) return fail("{}: price is missing: of a kWh", place(table));
    const auto value = node->value<double>();
    if (!value || !node->is_number() || !std::isfinite(*value) ||
        std::abs(*value) > kMostKwhPrice) {
      return fail("{}: price must be a number, of a kWh", place(*node));
    }
    return *value;
  }
  Result<std::string> text(const toml::table& table, std::string_view name) const {
    const toml::node* node = table.get(name);
    if (node == nullptr) return std::string();
    const auto* value = node->as_string();
    if (value == nullptr) return fail("{}: {} must be a text", place(*node), name);
    return value->get();
  }
  Result<int> time(const toml::table& table, std::string_view name, int without) const {
    const toml::node* node = table.get(name);
    if (node == nullptr) return without;
    const auto value = node->value<std::string>();
    const auto seconds = value ? clock_time(*value) : std::nullopt;
    if (!seconds) return fail("{}: {} must be a time of the day, as \"22:00\"", place(*node), name);
    return *seconds;
  }
  Result<unsigned> days(const toml::table& table) const {
    const toml::node* node = table.get("days");
    if (node == nullptr) return 0x7fU;
    unsigned bits = 0;
    const auto add = [&](const toml::node& entry) {
      const auto value = entry.value<std::string>();
      const auto range = value ? day_range(*value) : std::nullopt;
      bits |= range.value_or(0);
      return range.has_value();
    };
    const toml::array* list = node->as_array();
    bool is_good = list != nullptr ? !list->empty() : add(*node);
    for (std::size_t i = 0; list != nullptr && is_good && i < list->size(); ++i) {
      is_good = add(*list->get(i));
    }
    if (!is_good) {
      return fail("{}: days must be as \"sat\", \"mon-fri\" or [\"mon\", \"wed-fri\"]",
                  place(*node));
    }
    return bits;
  }
  Result<TariffPeriod> period(const toml::node& node) const {
    const toml::table* table = node.as_table();
    if (table == nullptr) return fail("{}: each period is a table [[period]]", place(node));
    JEVONS_TRY(check_names(*table, {"days", "from", "to", "price"}));
    TariffPeriod period;
    JEVONS_ASSIGN(period.days, days(*table));
    JEVONS_ASSIGN(period.from, time(*table, "from", 0));
    JEVONS_ASSIGN(period.to, time(*table, "to", 24 * 3600));
    JEVONS_ASSIGN(period.price, price(*table));
    return period;
  }
  Result<void> check_names(const toml::table& table,
                           std::initializer_list<std::string_view> names) const {
    for (const auto& [key, value] : table) {
      if (std::find(names.begin(), names.end(), key.str()) == names.end()) {
        return fail("{}:{}: '{}' is not known here", path_, key.source().begin.line,
                    utf8_sanitize(key.str()));
      }
    }
    return {};
  }
  [[nodiscard]] std::string place(const toml::node& node) const {
    return fmt::format("{}:{}", path_, node.source().begin.line);
  }

 private:
  const std::string& path_;
};

// "2026-02-03T14:00+01:00", "2026-02-03 14:00:00Z", "2026-02-03T14:00" (by the clock of the zone).
std::optional<std::int64_t> moment_of(std::string_view text, const TimeZone& zone) {
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const bool has_shape = text.size() >= 16 && text[4] == '-' && text[7] == '-' &&
                         (text[10] == 'T' || text[10] == ' ') && text[13] == ':';
  if (!has_shape || !year || !month || !day || !hour || !minute || *hour > 23 || *minute > 59) {
    return std::nullopt;
  }
  std::size_t at = 16;
  int second = 0;
  if (at < text.size() && text[at] == ':') {
    const auto value = digits(text, at + 1, 2);
    if (!value || *value > 59) return std::nullopt;
    second = *value;
    at += 3;
  }
  second += *hour * 3600 + *minute * 60;
  const std::string_view rest = text.substr(at);
  if (rest.empty()) return unix_of(zone, *year, *month, *day, second);
  const std::chrono::year_month_day date{std::chrono::year(*year) / *month / *day};
  if (!date.ok()) return std::nullopt;
  const std::int64_t utc =
      std::chrono::sys_days(date).time_since_epoch().count() * 24 * kHour + second;
  if (rest == "Z" || rest == "z") return utc;
  const bool has_colon = rest.size() == 6 && rest[3] == ':';
  const auto east_hours = digits(rest, 1, 2);
  const auto east_minutes = digits(rest, has_colon ? 4 : 3, 2);
  if ((rest[0] != '+' && rest[0] != '-') || (!has_colon && rest.size() != 5) || !east_hours ||
      !east_minutes) {
    return std::nullopt;
  }
  const std::int64_t east = *east_hours * kHour + *east_minutes * 60;
  return rest[0] == '+' ? utc - east : utc + east;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

std::string file_name(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

}  // namespace

Result<Tariff> Tariff::parse_toml(const std::string& text, const std::string& path,
                                  const std::string& currency) {
  const TariffToml reader(path);
  toml::table file;
  try {
    file = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return fail("{}:{}: {}", path, error.source().begin.line, error.description());
  }
  JEVONS_TRY(reader.check_names(file, {"currency", "timezone", "price", "period"}));
  Tariff tariff;
  JEVONS_ASSIGN(tariff.currency_, reader.text(file, "currency"));
  if (!currency.empty()) tariff.currency_ = currency;
  if (tariff.currency_.empty()) return fail("{}: currency is missing, as \"EUR\"", path);
  JEVONS_ASSIGN(const std::string zone, reader.text(file, "timezone"));
  if (!zone.empty()) {
    auto named = TimeZone::named(zone);
    if (!named) return fail("{}: {}", reader.place(*file.get("timezone")), named.error().message);
    tariff.zone_ = *std::move(named);
  }
  if (file.get("price") == nullptr) {
    return fail("{}: price is missing: of a kWh outside all periods", path);
  }
  JEVONS_ASSIGN(tariff.price_, reader.price(file));
  if (const toml::node* periods = file.get("period")) {
    const toml::array* list = periods->as_array();
    if (list == nullptr)
      return fail("{}: each period is a table [[period]]", reader.place(*periods));
    for (const toml::node& node : *list) {
      JEVONS_ASSIGN(const TariffPeriod period, reader.period(node));
      tariff.periods_.push_back(period);
    }
  }
  tariff.what_ = fmt::format("{} periods of {}", tariff.periods_.size() + 1, file_name(path));
  return tariff;
}

// A price holds until the next line, for an hour at most. Prices of quarters of an hour hold for
// those, the last one for as long as the one before it.
Result<Tariff> Tariff::parse_csv(const std::string& text, const std::string& path,
                                 const std::string& currency) {
  if (currency.empty()) return fail("--tariff needs --currency: the word for its prices, as EUR");
  Tariff tariff;
  tariff.currency_ = currency;
  std::string_view rest = text;
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  for (int number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(rest.size(), end + 1));
    if (line.empty() || line.starts_with('#')) continue;
    const std::size_t comma = line.find_first_of(",;");
    const std::string_view time = trimmed(line.substr(0, comma));
    if (number == 1 && (time.empty() || time[0] < '0' || time[0] > '9')) continue;  // titles
    const auto begin = moment_of(time, tariff.zone_);
    if (!begin || comma == line.npos) {
      return fail("{}:{}: '{}' must be a time and a price, as 2026-02-03T14:00+01:00,0.31", path,
                  number, utf8_sanitize(line));
    }
    const std::string_view price_text = trimmed(line.substr(comma + 1));
    const auto price = parse_kwh_price(price_text);
    if (!price) {
      return fail("{}:{}: the price is '{}', and must be a number, of a kWh", path, number,
                  utf8_sanitize(price_text));
    }
    if (!tariff.prices_.empty()) {
      TimedPrice& last = tariff.prices_.back();
      if (*begin <= last.begin) {
        return fail(
            "{}:{}: {} is not after the time of the line before it (where the clock is "
            "changed, times need Z or an offset)",
            path, number, utf8_sanitize(time));
      }
      last.end = std::min(last.end, *begin);
    }
    tariff.prices_.push_back({*begin, *begin + kHour, *price});
  }
  if (tariff.prices_.empty()) return fail("{} has no prices", path);
  if (tariff.prices_.size() > 1) {
    const TimedPrice& before = tariff.prices_[tariff.prices_.size() - 2];
    tariff.prices_.back().end = tariff.prices_.back().begin + (before.end - before.begin);
  }
  tariff.what_ = fmt::format("{} prices of {}", tariff.prices_.size(), file_name(path));
  return tariff;
}

}  // namespace jevons
