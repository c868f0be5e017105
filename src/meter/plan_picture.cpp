#include "meter/plan_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace jevons {
namespace {

constexpr double kWidth = 800, kHeight = 460;
constexpr double kLeft = 64, kRight = 700, kTop = 76, kBottom = 400;
constexpr double kLeastGiB = 4, kMostGiB = 512;
constexpr double kGiB = 0x1p30;
constexpr double kLabelGap = 15;  // between the base lines of two labels

// Of middle lightness: they stand out on white and on black.
constexpr std::array kColours = {"#2f7ed8", "#d9662b", "#1f9d77", "#a05fd0",
                                 "#b8860b", "#d6487e", "#5a9a1f", "#7a8594"};

const char* colour_of(std::size_t index) { return kColours[index % kColours.size()]; }
// Those that take a colour a second time.
const char* dashes_of(std::size_t index) {
  return index < kColours.size() ? "" : " stroke-dasharray=\"7 3\"";
}

double x_of(double n_bytes) {
  const double part = std::log(n_bytes / (kLeastGiB * kGiB)) / std::log(kMostGiB / kLeastGiB);
  return kLeft + std::clamp(part, 0.0, 1.0) * (kRight - kLeft);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= ' ') out += c;
    }
  }
  return out;
}

// 1, 2 or 5 times a power of ten: about six steps up to `most`.
double step_of(double most) {
  const double rough = most / 6;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

class Picture {
 public:
  Picture(std::span<const SpeedCurve> curves, const PictureText& text) : curves_(curves) {
    for (const SpeedCurve& curve : curves) {
      for (const auto& [n_bytes, speed] : curve.points) most_ = std::max(most_, speed);
    }
    if (most_ <= 0) most_ = 1;
    step_ = step_of(most_);
    top_ = std::ceil(most_ / step_) * step_;
    begin(text);
  }

  void add_axes() {
    for (double value = 0; value <= top_ + step_ / 2; value += step_) {
      const double y = y_of(value);
      line(kLeft, y, kRight, y, value == 0 ? "axis" : "grid");
      label(kLeft - 8, y + 4, fmt::format("{:g}", value), "end", "tick");
    }
    for (double gib = kLeastGiB; gib <= kMostGiB; gib *= 2) {
      const double x = x_of(gib * kGiB);
      line(x, kBottom, x, kBottom + 5, "axis");
      label(x, kBottom + 20, fmt::format("{:g}", gib), "middle", "tick");
    }
    label((kLeft + kRight) / 2, kBottom + 42, "memory in GiB", "middle", "name");
    out_ += fmt::format(
        "<text class=\"name\" transform=\"translate(18 {:.1f}) rotate(-90)\" "
        "text-anchor=\"middle\">tokens per second of an answer</text>\n",
        (kTop + kBottom) / 2);
  }

  void add_mark(double n_bytes, const std::string& text) {
    const double x = x_of(n_bytes);
    line(x, kTop - 12, x, kBottom, "mark");
    const bool is_right = x > (kLeft + kRight) / 2;
    label(x + (is_right ? -6 : 6), kTop - 4, text, is_right ? "end" : "start", "marked");
  }

  void add_curves(double mark_bytes) {
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      std::string points;
      for (const auto& [n_bytes, speed] : curves_[i].points) {
        points +=
            fmt::format("{}{:.1f},{:.1f}", points.empty() ? "" : " ", x_of(n_bytes), y_of(speed));
      }
      out_ += fmt::format("<polyline class=\"curve\" stroke=\"{}\"{} points=\"{}\"/>\n",
                          colour_of(i), dashes_of(i), points);
      if (const auto speed = at(curves_[i], mark_bytes)) {
        out_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n",
                            x_of(mark_bytes), y_of(*speed), colour_of(i));
      }
    }
  }

  // At the end of each curve, moved apart where they would touch.
  void add_labels() {
    struct Label {
      double y;
      std::size_t curve;
    };
    std::vector<Label> labels;
    for (std::size_t i = 0; i < curves_.size(); ++i) {
      if (!curves_[i].points.empty()) labels.push_back({y_of(curves_[i].points.back().second), i});
    }
    std::stable_sort(labels.begin(), labels.end(),
                     [](const Label& a, const Label& b) { return a.y < b.y; });
    for (std::size_t i = 1; i < labels.size(); ++i) {
      labels[i].y = std::max(labels[i].y, labels[i - 1].y + kLabelGap);
    }
    const double over = labels.empty() ? 0 : std::max(0.0, labels.back().y - kBottom);
    for (std::size_t i = labels.size(); i-- > 0 && over > 0;) {
      const double limit = i + 1 < labels.size() ? labels[i + 1].y - kLabelGap : kBottom;
      labels[i].y = std::min(labels[i].y, limit);
    }
    for (const Label& one : labels) {
      const SpeedCurve& curve = curves_[one.curve];
      const double end = y_of(curve.points.back().second);
      out_ += fmt::format(
          "<path class=\"leader\" stroke=\"{}\" d=\"M{:.1f} {:.1f} L{:.1f} {:.1f}\"/>\n",
          colour_of(one.curve), x_of(curve.points.back().first), end, kRight + 10, one.y);
      out_ += fmt::format(
          "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"curve-name\" style=\"fill:{}\">{}</text>\n",
          kRight + 14, one.y + 4, colour_of(one.curve), escaped(curve.name));
    }
  }

  [[nodiscard]] std::string finish() { return out_ + "</svg>\n"; }

 private:
  void begin(const PictureText& text) {
    out_ = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0:g} {1:g}\" width=\"{0:g}\" "
        "height=\"{1:g}\" role=\"img\">\n<title>{2}</title>\n<desc>{3}</desc>\n",
        kWidth, kHeight, escaped(text.title), escaped(text.subtitle));
    out_ +=
        "<style>\n"
        ".paper{fill:#ffffff}.ink,text{fill:#1f2328}\n"
        "text{font:13px system-ui,'Segoe UI','DejaVu Sans',sans-serif}\n"
        ".title{font-size:16px;font-weight:600}.tick,.subtitle,.name{fill:#59636e}\n"
        ".axis{stroke:#59636e}.grid{stroke:#d8dee4}\n"
        ".mark{stroke:#59636e;stroke-dasharray:5 4}.marked{font-weight:600}\n"
        ".curve{fill:none;stroke-width:2.2;stroke-linejoin:round}\n"
        ".leader{fill:none;stroke-width:1;opacity:.5}\n"
        "@media (prefers-color-scheme:dark){.paper{fill:#15191f}.ink,text{fill:#e6edf3}\n"
        ".tick,.subtitle,.name{fill:#a3adb8}.axis,.mark{stroke:#a3adb8}.grid{stroke:#30363d}}\n"
        "text.curve-name{font-weight:600}\n"
        "</style>\n";
    out_ +=
        fmt::format("<rect class=\"paper\" width=\"{:g}\" height=\"{:g}\"/>\n", kWidth, kHeight);
    label(kLeft - 40, 26, text.title, "start", "title");
    label(kLeft - 40, 46, text.subtitle, "start", "subtitle");
  }

  [[nodiscard]] double y_of(double speed) const {
    return kBottom - speed / top_ * (kBottom - kTop);
  }

  // Between its points; nothing outside of them.
  static std::optional<double> at(const SpeedCurve& curve, double n_bytes) {
    for (std::size_t i = 1; i < curve.points.size(); ++i) {
      const auto& [low, low_speed] = curve.points[i - 1];
      const auto& [high, high_speed] = curve.points[i];
      if (n_bytes < low || n_bytes > high) continue;
      const double part = std::log(n_bytes / low) / std::log(high / low);
      return low_speed + part * (high_speed - low_speed);
    }
    return std::nullopt;
  }

  void line(double x1, double y1, double x2, double y2, const char* kind) {
    out_ += fmt::format(
        "<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>\n", kind, x1,
        y1, x2, y2);
  }

  void label(double x, double y, const std::string& text, const char* anchor, const char* kind) {
    out_ +=
        fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                    kind, x, y, anchor, escaped(text));
  }

  std::span<const SpeedCurve> curves_;
  double most_ = 0, step_ = 1, top_ = 1;
  std::string out_;
};

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
  Picture picture(curves, text);
  picture.add_axes();
  if (mark_bytes > 0) picture.add_mark(mark_bytes, text.mark);
  picture.add_curves(mark_bytes);
  picture.add_labels();
  return picture.finish();
}

}  // namespace jevons
