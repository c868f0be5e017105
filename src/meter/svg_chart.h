// Charts as SVG text: points and lines over two axes, or bars beside their names. A chart brings
// its own background and two sets of colours, so that it is legible in light and dark surroundings.
// Labels are moved apart; where one stands off its point, a thin line joins them. All texts are
// escaped. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace jevons {

inline constexpr int kChartColors = 8;  // 0: the first; others count on modulo this

struct ChartAxis {
  std::string title;
  bool is_logarithmic = false;        // then all values are more than 0
  std::optional<double> low, high{};  // from the data if absent
};

struct ChartPoint {
  double x = 0, y = 0;
  std::string label;  // may be empty
  int color = 0;
  bool is_hollow = false;
};

struct ChartLine {
  std::vector<ChartPoint> points;  // of which x and y count
  std::string label;               // beside its last point; may be empty
  int color = 0;
  bool is_dashed = false;
};

/// A line across the chart at one value, with words.
struct ChartRule {
  double value = 0;
  std::string label;
};

struct XyChart {
  std::string title, subtitle;
  ChartAxis x, y;
  std::vector<ChartLine> lines;
  std::vector<ChartPoint> points;
  std::vector<ChartRule> x_rules;  // upright
};

struct ChartBar {
  std::string label;
  double value = 0;        // 0 or more
  std::string value_text;  // beside the bar
  int color = 0;
};

struct BarChart {
  std::string title, subtitle;
  std::string value_title;
  std::vector<ChartBar> bars;  // from the top
  std::vector<ChartRule> rules;
};

/// A whole SVG document.
[[nodiscard]] std::string svg_of(const XyChart& chart);
[[nodiscard]] std::string svg_of(const BarChart& chart);

}  // namespace jevons
