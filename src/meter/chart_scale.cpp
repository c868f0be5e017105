#include "meter/chart_scale.h"

#include <fmt/format.h>

#include <cmath>

namespace jevons {
namespace {

constexpr double kWantedSteps = 6;

double round_step(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

}  // namespace

ChartScale::ChartScale(double low, double high, bool is_logarithmic, double start, double end)
    : low_(low), high_(high), is_logarithmic_(is_logarithmic), start_(start), end_(end) {}

double ChartScale::position(double value) const {
  return is_logarithmic_ ? std::log10(value) : value;
}

double ChartScale::place(double value) const {
  const double part = (position(value) - position(low_)) / (position(high_) - position(low_));
  return start_ + part * (end_ - start_);
}

std::vector<ChartTick> ChartScale::ticks() const {
  std::vector<ChartTick> ticks;
  // A hair more than the range, for what rounding takes.
  const double slack = (high_ - low_) * 1e-9;
  if (is_logarithmic_) {
    for (double power = std::pow(10.0, std::floor(std::log10(low_))); power <= high_; power *= 10) {
      for (const double factor : {1.0, 2.0, 5.0}) {
        const double value = factor * power;
        if (value >= low_ - slack && value <= high_ + slack) {
          ticks.push_back({value, tick_label(value)});
        }
      }
    }
    return ticks;
  }
  const double step = round_step((high_ - low_) / kWantedSteps);
  const auto first = static_cast<long long>(std::ceil((low_ - slack) / step));
  for (long long i = first; static_cast<double>(i) * step <= high_ + slack; ++i) {
    const double value = static_cast<double>(i) * step;
    ticks.push_back({value, tick_label(value)});
  }
  return ticks;
}

std::string tick_label(double value) {
  std::string digits = fmt::format("{:.6g}", value);
  if (digits.find('e') != std::string::npos) digits = fmt::format("{:.0f}", value);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t i = point; i > first + 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

}  // namespace jevons
