// A JSON number as exact decimal digits, for comparing bounds without rounding. Plain data.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

struct Decimal {
  bool is_negative = false;  // never of zero
  std::string whole = "0";   // without leading zeros
  std::string fraction;      // without trailing zeros

  /// `number`: as JSON writes it. Error: more than 400 digits before or after the point.
  [[nodiscard]] static Result<Decimal> parse(std::string_view number);

  [[nodiscard]] bool is_zero() const { return whole == "0" && fraction.empty(); }
  [[nodiscard]] bool is_integer() const { return fraction.empty(); }
  [[nodiscard]] Decimal negated() const;

  [[nodiscard]] std::strong_ordering operator<=>(const Decimal& other) const;
  bool operator==(const Decimal& other) const = default;
};

}  // namespace jevons
