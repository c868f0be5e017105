#include "app/expression.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/utf8.h"

namespace jevons {
namespace {

constexpr int kDeepest = 200;
constexpr int kSignificantDigits = 10;

// Recursive descent, one function for each level of precedence.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<double> parse() {
    skip_space();
    if (at_ == text_.size()) return fail("the expression is empty");
    JEVONS_ASSIGN(const double value, sum());
    if (at_ != text_.size()) return unexpected_here();
    if (!std::isfinite(value)) return fail("the result is too large");
    return value;
  }

 private:
  Result<double> sum() {
    JEVONS_ASSIGN(double value, product());
    for (;;) {
      if (take("+")) {
        JEVONS_ASSIGN(const double right, product());
        value += right;
      } else if (take("-") || take("−")) {
        JEVONS_ASSIGN(const double right, product());
        value -= right;
      } else {
        return value;
      }
    }
  }

  Result<double> product() {
    JEVONS_ASSIGN(double value, signed_power());
    for (;;) {
      if (take("*") || take("×")) {
        JEVONS_ASSIGN(const double right, signed_power());
        value *= right;
      } else if (take("/") || take("÷")) {
        JEVONS_ASSIGN(const double right, signed_power());
        if (right == 0) return fail("division by zero");
        value /= right;
      } else if (take("%")) {
        JEVONS_ASSIGN(const double right, signed_power());
        if (right == 0) return fail("division by zero");
        value = std::fmod(value, right);
        if (value != 0 && (value < 0) != (right < 0)) value += right;
      } else {
        return value;
      }
    }
  }

  Result<double> signed_power() {
    bool negative = false;
    for (;;) {
      if (take("-") || take("−")) {
        negative = !negative;
      } else if (!take("+")) {
        break;
      }
    }
    JEVONS_ASSIGN(const double value, power());
    return negative ? -value : value;
  }

  Result<double> power() {
    JEVONS_ASSIGN(const double base, primary());
    if (!take("^") && !take("**")) return base;
    if (++depth_ > kDeepest) return fail("too deeply nested");
    JEVONS_ASSIGN(const double exponent, signed_power());
    --depth_;
    if (base == 0 && exponent < 0) return fail("division by zero");
    const double value = std::pow(base, exponent);
    if (std::isnan(value)) return fail("a root of a negative number");
    return value;
  }

  Result<double> primary() {
    if (take("(")) {
      if (++depth_ > kDeepest) return fail("too deeply nested");
      JEVONS_ASSIGN(const double value, sum());
      --depth_;
      if (!take(")")) return at_ == text_.size() ? fail("missing )") : unexpected_here();
      return value;
    }
    return number();
  }

  Result<double> number() {
    double value = 0;
    const char* begin = text_.data() + at_;
    // from_chars would also read "inf" and "nan".
    if (at_ == text_.size() || !(is_digit(*begin) || *begin == '.')) return unexpected_here();
    const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) return fail("a number is out of range");
    if (error != std::errc{}) return unexpected_here();
    at_ += static_cast<std::size_t>(end - begin);
    skip_space();
    return value;
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  bool take(std::string_view symbol) {
    if (!text_.substr(at_).starts_with(symbol)) return false;
    // "**" is a power, not a product.
    if (symbol == "*" && text_.substr(at_).starts_with("**")) return false;
    at_ += symbol.size();
    skip_space();
    return true;
  }

  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] >= 9 && text_[at_] <= 13)))
      ++at_;
  }

  std::unexpected<Error> unexpected_here() const {
    if (at_ == text_.size()) return fail("the expression ends too early");
    const std::string_view rest = text_.substr(at_);
    const std::size_t length = std::max<std::size_t>(1, utf8_sequence_length(rest));
    return fail("unexpected '{}' at position {}", utf8_sanitize(rest.substr(0, length)), at_ + 1);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<double> evaluate_expression(std::string_view expression) {
  return Parser(expression).parse();
}

std::string plain_number(double value) {
  if (value == 0) return "0";  // also for minus zero
  if (std::abs(value) < 1e15 && value == std::trunc(value)) return fmt::format("{:.0f}", value);
  const double magnitude = std::abs(value);
  if (magnitude >= 1e15 || magnitude < 1e-15) {
    return fmt::format("{:.{}g}", value, kSignificantDigits);
  }
  const int exponent = static_cast<int>(std::floor(std::log10(magnitude)));
  const int decimals = std::max(0, kSignificantDigits - 1 - exponent);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  return text;
}

}  // namespace jevons
