// From values to places on an axis, and where its marks stand. Pure; any thread.
#pragma once

#include <string>
#include <vector>

namespace jevons {

struct ChartTick {
  double value;
  std::string label;
};

class ChartScale {
 public:
  /// `low` < `high`; both more than 0 if logarithmic. `start` and `end` in pixels, either way.
  ChartScale(double low, double high, bool is_logarithmic, double start, double end);

  [[nodiscard]] double place(double value) const;
  [[nodiscard]] double low() const { return low_; }
  [[nodiscard]] double high() const { return high_; }
  /// Round values within the range: steps of 1, 2 or 5, or 1, 2 and 5 of each decade.
  [[nodiscard]] std::vector<ChartTick> ticks() const;

 private:
  [[nodiscard]] double position(double value) const;

  double low_, high_;
  bool is_logarithmic_;
  double start_, end_;
};

/// "1,200", "0.3".
[[nodiscard]] std::string tick_label(double value);

}  // namespace jevons
