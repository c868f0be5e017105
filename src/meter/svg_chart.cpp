#include "meter/svg_chart.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "meter/chart_scale.h"
#include "meter/svg_canvas.h"

namespace jevons {
namespace {

constexpr int kWidth = 760;
constexpr int kXyHeight = 480;
constexpr double kLabelSize = 13;
constexpr double kLineHeight = 16;
constexpr double kRadius = 5;
constexpr SvgBox kXyPlot = {70, 70, kWidth - 30, kXyHeight - 62};

// The values of an axis with some room around them; a logarithmic one needs no zero.
ChartScale scale_of(const ChartAxis& axis, std::vector<double> values, double start, double end) {
  double low = axis.low.value_or(values.empty() ? 0 : std::ranges::min(values));
  double high = axis.high.value_or(values.empty() ? 1 : std::ranges::max(values));
  if (axis.is_logarithmic) {
    if (!axis.low) low /= 1.4;
    if (!axis.high) high *= 1.4;
    if (!(low > 0)) low = high > 0 ? high / 1000 : 1;
    if (!(high > low)) high = low * 10;
  } else {
    const double room = high > low ? (high - low) * 0.12 : std::max(1.0, std::abs(high) * 0.1);
    if (!axis.low) low -= low == 0 ? 0 : room;
    if (!axis.high) high += room;
    if (!(high > low)) high = low + 1;
  }
  return {low, high, axis.is_logarithmic, start, end};
}

void draw_heading(SvgCanvas& canvas, const std::string& title, const std::string& subtitle) {
  canvas.text(20, 30, title, SvgAnchor::kStart, "title");
  canvas.text(20, 50, subtitle, SvgAnchor::kStart, "small dim");
}

void draw_axes(SvgCanvas& canvas, const XyChart& chart, const ChartScale& x, const ChartScale& y) {
  for (const ChartTick& tick : x.ticks()) {
    const double at = x.place(tick.value);
    canvas.line(at, kXyPlot.top, at, kXyPlot.bottom, "grid");
    canvas.text(at, kXyPlot.bottom + 18, tick.label, SvgAnchor::kMiddle, "small dim");
  }
  for (const ChartTick& tick : y.ticks()) {
    const double at = y.place(tick.value);
    canvas.line(kXyPlot.left, at, kXyPlot.right, at, "grid");
    canvas.text(kXyPlot.left - 8, at + 4, tick.label, SvgAnchor::kEnd, "small dim");
  }
  canvas.line(kXyPlot.left, kXyPlot.bottom, kXyPlot.right, kXyPlot.bottom, "axis");
  canvas.line(kXyPlot.left, kXyPlot.top, kXyPlot.left, kXyPlot.bottom, "axis");
  canvas.text((kXyPlot.left + kXyPlot.right) / 2, kXyPlot.bottom + 44, chart.x.title,
              SvgAnchor::kMiddle, "small");
  canvas.upright_text(22, (kXyPlot.top + kXyPlot.bottom) / 2, chart.y.title, "small");
}

// Labels beside their points, none upon another.
class LabelPlacer {
 public:
  void keep_free(double x, double y) {
    taken_.push_back({x - kRadius, y - kRadius, x + kRadius, y + kRadius});
  }
  /// Of a line all but what is near its ends, whose points have labels.
  void keep_free(std::pair<double, double> from, std::pair<double, double> to) {
    constexpr double kStep = 6, kHalf = 1;
    const double length = std::hypot(to.first - from.first, to.second - from.second);
    for (double at = kStep; at < length - kStep; at += kStep) {
      const double x = std::lerp(from.first, to.first, at / length);
      const double y = std::lerp(from.second, to.second, at / length);
      taken_.push_back({x - kHalf, y - kHalf, x + kHalf, y + kHalf});
    }
  }

  void place(SvgCanvas& canvas, double x, double y, const std::string& label) {
    const double width = svg_text_width(label, kLabelSize);
    for (const double distance : {10.0, 22.0, 36.0, 52.0, 70.0}) {
      for (const auto& [dx, dy] : kSides) {
        const SvgBox box = box_at(x + dx * distance, y + dy * distance, dx, width);
        if (!kXyPlot.contains(box) || is_taken(box)) continue;
        return put(canvas, x, y, box, distance > 10, label);
      }
    }
    // No free place: beside the point, whatever is there.
    put(canvas, x, y, box_at(x + 10, y, 1, width), false, label);
  }

 private:
  struct Side {
    double dx, dy;
  };
  static constexpr std::array<Side, 8> kSides = {
      {{1, 0}, {-1, 0}, {0, -1}, {0, 1}, {1, -0.8}, {1, 0.8}, {-1, -0.8}, {-1, 0.8}}};

  static SvgBox box_at(double x, double y, double dx, double width) {
    const double left = dx > 0 ? x : dx < 0 ? x - width : x - width / 2;
    return {left, y - kLineHeight / 2, left + width, y + kLineHeight / 2};
  }
  [[nodiscard]] bool is_taken(const SvgBox& box) const {
    return std::ranges::any_of(taken_, [&](const SvgBox& other) { return box.overlaps(other); });
  }
  void put(SvgCanvas& canvas, double x, double y, const SvgBox& box, bool is_far,
           const std::string& label) {
    if (is_far) {
      canvas.line(x, y, std::clamp(x, box.left, box.right), std::clamp(y, box.top, box.bottom),
                  "leader");
    }
    canvas.text(box.left, box.bottom - 4, label, SvgAnchor::kStart, "halo");
    taken_.push_back(box);
  }

  std::vector<SvgBox> taken_;
};

void draw_rules(SvgCanvas& canvas, const XyChart& chart, const ChartScale& x) {
  for (const ChartRule& rule : chart.x_rules) {
    if (rule.value < x.low() || rule.value > x.high()) continue;
    const double at = x.place(rule.value);
    canvas.line(at, kXyPlot.top, at, kXyPlot.bottom, "rule");
    canvas.text(at + 5, kXyPlot.top + 12, rule.label, SvgAnchor::kStart, "small halo");
  }
}

void draw_data(SvgCanvas& canvas, const XyChart& chart, const ChartScale& x, const ChartScale& y) {
  LabelPlacer labels;
  for (const ChartPoint& point : chart.points) labels.keep_free(x.place(point.x), y.place(point.y));
  for (const ChartLine& line : chart.lines) {
    std::vector<std::pair<double, double>> places;
    places.reserve(line.points.size());
    for (const ChartPoint& point : line.points) {
      places.emplace_back(x.place(point.x), y.place(point.y));
    }
    canvas.path(places, line.color, line.is_dashed);
    for (std::size_t i = 1; i < places.size(); ++i) labels.keep_free(places[i - 1], places[i]);
  }
  for (const ChartPoint& point : chart.points) {
    canvas.circle(x.place(point.x), y.place(point.y), kRadius, point.color, point.is_hollow);
  }
  for (const ChartLine& line : chart.lines) {
    if (line.label.empty() || line.points.empty()) continue;
    const ChartPoint& last = line.points.back();
    labels.place(canvas, x.place(last.x), y.place(last.y), line.label);
  }
  for (const ChartPoint& point : chart.points) {
    if (!point.label.empty()) {
      labels.place(canvas, x.place(point.x), y.place(point.y), point.label);
    }
  }
}

}  // namespace

std::string svg_of(const XyChart& chart) {
  std::vector<double> xs, ys;
  const auto add = [&](const ChartPoint& point) {
    xs.push_back(point.x);
    ys.push_back(point.y);
  };
  std::ranges::for_each(chart.points, add);
  for (const ChartLine& line : chart.lines) std::ranges::for_each(line.points, add);
  for (const ChartRule& rule : chart.x_rules) xs.push_back(rule.value);
  const ChartScale x = scale_of(chart.x, std::move(xs), kXyPlot.left, kXyPlot.right);
  const ChartScale y = scale_of(chart.y, std::move(ys), kXyPlot.bottom, kXyPlot.top);

  SvgCanvas canvas(kWidth, kXyHeight, chart.title);
  draw_heading(canvas, chart.title, chart.subtitle);
  draw_axes(canvas, chart, x, y);
  draw_rules(canvas, chart, x);
  draw_data(canvas, chart, x, y);
  return canvas.document();
}

std::string svg_of(const BarChart& chart) {
  constexpr double kRow = 28, kBar = 18, kRight = kWidth - 20;
  const double top = chart.rules.empty() ? 70 : 88;  // a line for the rules' words
  double label_width = 0, text_width = 0, most = 0;
  for (const ChartBar& bar : chart.bars) {
    label_width = std::max(label_width, svg_text_width(bar.label, kLabelSize));
    text_width = std::max(text_width, svg_text_width(bar.value_text, kLabelSize));
    most = std::max(most, bar.value);
  }
  for (const ChartRule& rule : chart.rules) most = std::max(most, rule.value);
  const double left = std::min(30 + label_width, kWidth * 0.4);
  const double right = std::max(kRight - text_width - 14, left + 60);
  const double bottom = top + kRow * static_cast<double>(chart.bars.size());
  const ChartScale scale(0, most > 0 ? most : 1, false, left, right);

  SvgCanvas canvas(kWidth, static_cast<int>(bottom) + 56, chart.title);
  draw_heading(canvas, chart.title, chart.subtitle);
  for (const ChartTick& tick : scale.ticks()) {
    const double at = scale.place(tick.value);
    canvas.line(at, top, at, bottom, "grid");
    canvas.text(at, bottom + 18, tick.label, SvgAnchor::kMiddle, "small dim");
  }
  for (const ChartRule& rule : chart.rules) {
    const double at = scale.place(rule.value);
    canvas.line(at, top - 4, at, bottom, "rule");
    const bool is_far = at > (left + right) / 2;
    canvas.text(is_far ? at - 5 : at + 5, top - 6, rule.label,
                is_far ? SvgAnchor::kEnd : SvgAnchor::kStart, "small halo");
  }
  double y = top;
  for (const ChartBar& bar : chart.bars) {
    const double end = scale.place(std::max(bar.value, 0.0));
    canvas.bar(left, y + (kRow - kBar) / 2, end - left, kBar, bar.color);
    canvas.text(left - 8, y + kRow / 2 + 5, bar.label, SvgAnchor::kEnd, "");
    canvas.text(end + 8, y + kRow / 2 + 5, bar.value_text, SvgAnchor::kStart, "halo");
    y += kRow;
  }
  canvas.line(left, top, left, bottom, "axis");
  canvas.text((left + right) / 2, bottom + 42, chart.value_title, SvgAnchor::kMiddle, "small");
  return canvas.document();
}

}  // namespace jevons
