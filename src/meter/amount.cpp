#include "meter/amount.h"

#include <algorithm>

#include "base/check.h"

namespace jevons {
namespace {

using Wide = Amount::Wide;

constexpr int kPlaces = 6;
constexpr std::size_t kMostWholeDigits = 9;

Wide divide_rounded(Wide a, Wide b) {
  if (b < 0) {
    a = -a;
    b = -b;
  }
  const Wide half = b / 2;
  return a < 0 ? -((-a + half) / b) : (a + half) / b;
}

std::string digits_of(Wide value) {
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  } while (value > 0);
  std::ranges::reverse(digits);
  return digits;
}

Wide power_of_ten(int exponent) {
  Wide power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Result<Amount> Amount::parse(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  const std::string_view number = text.substr(is_negative ? 1 : 0);
  const std::size_t point = std::min(number.find('.'), number.size());
  const std::string_view whole = number.substr(0, point);
  const std::string_view fraction = number.substr(std::min(point + 1, number.size()));
  const bool has_point = point < number.size();
  if (whole.empty() || !all_digits(whole) || !all_digits(fraction) ||
      (has_point && fraction.empty()) || whole.size() > kMostWholeDigits ||
      fraction.size() > kPlaces) {
    return fail(
        "a decimal number such as 12 or 0.028, of at most {} digits before and {} after "
        "the point",
        kMostWholeDigits, kPlaces);
  }
  Wide micro = 0;
  for (const char c : whole) micro = micro * 10 + (c - '0');
  for (int i = 0; i < kPlaces; ++i) {
    const auto at = static_cast<std::size_t>(i);
    micro = micro * 10 + (at < fraction.size() ? fraction[at] - '0' : 0);
  }
  return of_micro(is_negative ? -micro : micro);
}

double Amount::as_double() const { return static_cast<double>(micro_) / 1e6; }

std::int64_t Amount::ceiling() const {
  const Wide whole = micro_ / kOne;
  return static_cast<std::int64_t>(whole + (micro_ > whole * kOne ? 1 : 0));
}

std::string Amount::text(int places) const {
  const Wide rounded = divide_rounded(micro_, power_of_ten(kPlaces - places));
  std::string digits = digits_of(rounded < 0 ? -rounded : rounded);
  const auto n_places = static_cast<std::size_t>(places);
  if (digits.size() <= n_places) digits.insert(0, n_places + 1 - digits.size(), '0');
  std::string out = digits.substr(0, digits.size() - n_places);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, 1, ',');
  if (places > 0) out += "." + digits.substr(digits.size() - n_places);
  return rounded < 0 ? "-" + out : out;
}

std::string Amount::shortest() const {
  std::string out = text(kPlaces);
  std::erase(out, ',');
  out.erase(out.find_last_not_of('0') + 1);
  if (out.ends_with('.')) out.pop_back();
  return out;
}

Amount operator*(Amount a, Amount b) {
  Wide product = 0;
  JEVONS_CHECK(!__builtin_mul_overflow(a.micro_, b.micro_, &product));
  return Amount::of_micro(divide_rounded(product, Amount::kOne));
}

Amount operator/(Amount a, Amount b) {
  JEVONS_CHECK(b.micro_ != 0);
  Wide scaled = 0;
  JEVONS_CHECK(!__builtin_mul_overflow(a.micro_, Amount::kOne, &scaled));
  return Amount::of_micro(divide_rounded(scaled, b.micro_));
}

}  // namespace jevons
