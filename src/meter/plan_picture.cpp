#include "meter/plan_picture.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "meter/chart_scale.h"
#include "meter/svg_canvas.h"
#include "meter/svg_chart.h"

namespace jevons {
namespace {

constexpr int kWidth = 800, kHeight = 480;
constexpr double kLeft = 64, kRight = 700, kTop = 84, kBottom = 416;
constexpr double kLeastGiB = 4, kMostGiB = 512;
constexpr double kGiB = 0x1p30;
constexpr double kLabelGap = 15;  // between the base lines of two names

// Between its points; nothing outside of them.
std::optional<double> speed_at(const SpeedCurve& curve, double n_bytes) {
  for (std::size_t i = 1; i < curve.points.size(); ++i) {
    const auto& [low, low_speed] = curve.points[i - 1];
    const auto& [high, high_speed] = curve.points[i];
    if (n_bytes < low || n_bytes > high) continue;
    const double part = std::log(n_bytes / low) / std::log(high / low);
    return low_speed + part * (high_speed - low_speed);
  }
  return std::nullopt;
}

double highest(std::span<const SpeedCurve> curves) {
  double most = 0;
  for (const SpeedCurve& curve : curves) {
    for (const auto& [n_bytes, speed] : curve.points) most = std::max(most, speed);
  }
  return most > 0 ? most * 1.08 : 1;
}

struct Name {
  double place, end;  // of the words and of the curve, in pixels from the top
  std::size_t curve;
};

// At the end of each curve, moved apart where they would touch. A chart of this room puts names
// where there is room, which is among the curves when a dozen of them end side by side.
std::vector<Name> names_of(std::span<const SpeedCurve> curves, const ChartScale& y) {
  std::vector<Name> names;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    if (curves[i].points.empty()) continue;
    const double end = y.place(curves[i].points.back().second);
    names.push_back({end, end, i});
  }
  std::stable_sort(names.begin(), names.end(),
                   [](const Name& a, const Name& b) { return a.place < b.place; });
  for (std::size_t i = 1; i < names.size(); ++i) {
    names[i].place = std::max(names[i].place, names[i - 1].place + kLabelGap);
  }
  double limit = kBottom;
  for (std::size_t i = names.size(); i-- > 0; limit = names[i].place - kLabelGap) {
    names[i].place = std::min(names[i].place, limit);
  }
  return names;
}

void draw_axes(const ChartScale& x, const ChartScale& y, SvgCanvas& canvas) {
  for (const ChartTick& tick : y.ticks()) {
    const double place = y.place(tick.value);
    canvas.line(kLeft, place, kRight, place, "grid");
    canvas.text(kLeft - 8, place + 4, tick.label, SvgAnchor::kEnd, "dim");
  }
  for (double gib = kLeastGiB; gib <= kMostGiB; gib *= 2) {
    const double place = x.place(gib * kGiB);
    canvas.line(place, kBottom, place, kBottom + 5, "axis");
    canvas.text(place, kBottom + 20, tick_label(gib), SvgAnchor::kMiddle, "dim");
  }
  canvas.line(kLeft, kBottom, kRight, kBottom, "axis");
  canvas.text((kLeft + kRight) / 2, kBottom + 44, "memory in GiB", SvgAnchor::kMiddle, "");
  canvas.upright_text(20, (kTop + kBottom) / 2, "tokens per second of an answer", "");
}

void draw_mark(double place, const std::string& words, SvgCanvas& canvas) {
  canvas.line(place, kTop - 14, place, kBottom, "rule");
  const bool is_right = place > (kLeft + kRight) / 2;
  canvas.text(place + (is_right ? -7 : 7), kTop - 5, words,
              is_right ? SvgAnchor::kEnd : SvgAnchor::kStart, "halo");
}

}  // namespace

std::vector<SpeedCurve> speed_curves(std::span<const PlannedModel> models,
                                     const PlanRequest& request) {
  constexpr int kSteps = 112;  // sixteen between two powers of two
  // What the system and others keep is the same with more memory.
  const double others =
      std::max(0.0, request.machine.ram_bytes.value - request.machine.ram_available_bytes.value);
  std::vector<SpeedCurve> curves;
  for (const PlannedModel& model : models) {
    SpeedCurve curve{model.mix, {}};
    for (int i = 0; i <= kSteps; ++i) {
      const double n_bytes = kLeastGiB * kGiB * std::pow(kMostGiB / kLeastGiB, i / double{kSteps});
      PlanRequest other = request;
      other.ram_bytes = 0;
      other.machine.ram_bytes.value = n_bytes;
      other.machine.ram_available_bytes.value = std::max(0.0, n_bytes - others);
      const ModelPlan plan = plan_model(model, other);
      if (plan.runs()) curve.points.emplace_back(n_bytes, plan.answer.expected);
    }
    if (!curve.points.empty()) curves.push_back(std::move(curve));
  }
  return curves;
}

std::string speed_picture(std::span<const SpeedCurve> curves, double mark_bytes,
                          const PictureText& text) {
  SvgCanvas canvas(kWidth, kHeight, text.title);
  canvas.text(kLeft - 40, 30, text.title, SvgAnchor::kStart, "title");
  canvas.text(kLeft - 40, 52, text.subtitle, SvgAnchor::kStart, "dim");
  const ChartScale x(kLeastGiB * kGiB, kMostGiB * kGiB, true, kLeft, kRight);
  const ChartScale y(0, highest(curves), false, kBottom, kTop);
  draw_axes(x, y, canvas);
  const bool is_marked = mark_bytes >= kLeastGiB * kGiB && mark_bytes <= kMostGiB * kGiB;
  if (is_marked) draw_mark(x.place(mark_bytes), text.mark, canvas);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    std::vector<std::pair<double, double>> places;
    for (const auto& [n_bytes, speed] : curves[i].points) {
      places.emplace_back(x.place(n_bytes), y.place(speed));
    }
    const int color = static_cast<int>(i);
    canvas.path(places, color, /*is_dashed=*/color >= kChartColors);
    const auto speed = is_marked ? speed_at(curves[i], mark_bytes) : std::nullopt;
    if (speed) canvas.circle(x.place(mark_bytes), y.place(*speed), 4, color, /*is_hollow=*/false);
  }
  for (const Name& name : names_of(curves, y)) {
    canvas.line(kRight + 1, name.end, kRight + 12, name.place, "leader");
    canvas.text(kRight + 16, name.place + 4, curves[name.curve].name, SvgAnchor::kStart,
                "f" + std::to_string(name.curve % kChartColors));
  }
  return canvas.document();
}

}  // namespace jevons
