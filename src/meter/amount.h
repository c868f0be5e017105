// Exact decimal numbers for money, tokens and prices: a whole number of millionths. Sums are
// exact; a product or a quotient is computed in 128 bits and rounded once, half away from zero.
// Values; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

class Amount {
 public:
  using Wide = __int128;

  constexpr Amount() = default;
  // A whole number, as in `cost * 12`.
  constexpr Amount(std::int64_t whole) : micro_(static_cast<Wide>(whole) * kOne) {}

  [[nodiscard]] static constexpr Amount of_micro(Wide micro) {
    Amount made;
    made.micro_ = micro;
    return made;
  }

  /// "12", "0.028", "-3.5": digits and at most one point, at most nine before it and six after it.
  /// The error says so and nothing of where; the caller knows.
  [[nodiscard]] static Result<Amount> parse(std::string_view text);

  [[nodiscard]] constexpr Wide micro() const { return micro_; }
  /// For drawing and for JSON; not for sums.
  [[nodiscard]] double as_double() const;
  /// Rounded up to the next whole number.
  [[nodiscard]] std::int64_t ceiling() const;

  /// With this many digits behind the point (0 to 6), rounded half away from zero, and commas
  /// between thousands: "39,420.00".
  [[nodiscard]] std::string text(int places) const;
  /// With as many digits as it has, and no commas: "0.028".
  [[nodiscard]] std::string shortest() const;

  friend constexpr Amount operator+(Amount a, Amount b) { return of_micro(a.micro_ + b.micro_); }
  friend constexpr Amount operator-(Amount a, Amount b) { return of_micro(a.micro_ - b.micro_); }
  /// Aborts where the product has more than 38 digits: limits of what is read keep it far below.
  friend Amount operator*(Amount a, Amount b);
  /// `b` is not 0.
  friend Amount operator/(Amount a, Amount b);
  Amount& operator+=(Amount other) { return *this = *this + other; }
  friend constexpr auto operator<=>(const Amount&, const Amount&) = default;

 private:
  static constexpr Wide kOne = 1'000'000;
  Wide micro_ = 0;
};

}  // namespace jevons
