// The calculator: arithmetic on decimal numbers, in double precision. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace jevons {

/// + - * / % ^ (or **), parentheses, unary signs, decimals with or without an exponent; × ÷ − are
/// read as * / -. The remainder has the sign of the divisor, ^ binds from the right and stronger
/// than a sign before it. Errors in plain words ("division by zero").
[[nodiscard]] Result<double> evaluate_expression(std::string_view expression);

/// Without an exponent if it can be read so: "42", "0.5", "0.3333333333"; ten significant digits,
/// whole numbers below 1e15 in full.
[[nodiscard]] std::string plain_number(double value);

}  // namespace jevons
