#include "text/constraint/decimal.h"

#include <algorithm>
#include <charconv>

namespace jevons {
namespace {

constexpr int kMaxDigits = 400;

std::strong_ordering compare_magnitudes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() <=> b.whole.size();
  if (a.whole != b.whole) return a.whole <=> b.whole;
  return a.fraction <=> b.fraction;  // without trailing zeros this is the order of the digits
}

}  // namespace

Result<Decimal> Decimal::parse(std::string_view number) {
  Decimal decimal;
  std::string_view rest = number;
  if (rest.starts_with('-')) {
    decimal.is_negative = true;
    rest.remove_prefix(1);
  }
  int exponent = 0;
  if (const std::size_t e = rest.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view digits = rest.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (read.ec != std::errc() || exponent > kMaxDigits || exponent < -kMaxDigits) {
      return fail("{} has an exponent past {}", number, kMaxDigits);
    }
    rest = rest.substr(0, e);
  }
  const std::size_t point = rest.find('.');
  std::string digits(rest.substr(0, point));
  int n_whole = static_cast<int>(digits.size());
  if (point != std::string_view::npos) digits += rest.substr(point + 1);
  if (digits.size() > kMaxDigits) return fail("a number of more than {} digits", kMaxDigits);
  n_whole += exponent;
  const std::string zeros(kMaxDigits, '0');
  const auto n_missing = static_cast<std::size_t>(std::max(0, -n_whole));
  const auto n_before = static_cast<std::size_t>(std::max(0, n_whole));
  const std::string padded = zeros.substr(0, n_missing) + digits + zeros;
  decimal.whole = padded.substr(0, n_before);
  decimal.fraction = padded.substr(n_before);
  decimal.whole.erase(0, std::min(decimal.whole.find_first_not_of('0'), decimal.whole.size()));
  if (decimal.whole.empty()) decimal.whole.push_back('0');
  decimal.fraction.erase(decimal.fraction.find_last_not_of('0') + 1);
  if (decimal.is_zero()) decimal.is_negative = false;
  return decimal;
}

Decimal Decimal::negated() const {
  Decimal other = *this;
  other.is_negative = !is_negative && !is_zero();
  return other;
}

std::strong_ordering Decimal::operator<=>(const Decimal& other) const {
  if (is_negative != other.is_negative) {
    return is_negative ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  return is_negative ? compare_magnitudes(other, *this) : compare_magnitudes(*this, other);
}

}  // namespace jevons
