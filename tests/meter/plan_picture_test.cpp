#include "meter/plan_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "meter/machine_presets.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<PlannedModel> two_mixes() {
  std::vector<PlannedModel> models;
  for (const char* mix : {"Q2_K", "Q8_0"}) {
    models.push_back(*compute_model("MiniMax-M2.5", m25_config(), *find_mix(mix)));
  }
  return models;
}

PlanRequest request() {
  PlanRequest request;
  request.machine = *machine_preset("desktop-64gb");
  request.device = "disk";
  request.scratch_bytes = [](const ModelConfig&, int batch) {
    return static_cast<std::uint64_t>(batch) * 500'000;
  };
  return request;
}

TEST(PlanPicture, CurvesRiseWithMemoryUntilAllIsThere) {
  const auto curves = speed_curves(two_mixes(), request());
  ASSERT_EQ(curves.size(), 2U);
  for (const SpeedCurve& curve : curves) {
    ASSERT_GT(curve.points.size(), 50U) << curve.name;
    EXPECT_GT(curve.points.back().second, 2 * curve.points.front().second) << curve.name;
    EXPECT_DOUBLE_EQ(curve.points.back().second, curve.points[curve.points.size() - 2].second);
    for (std::size_t i = 1; i < curve.points.size(); ++i) {
      EXPECT_GT(curve.points[i].first, curve.points[i - 1].first);
      // A context that grows with memory may cost a little of what it gives.
      EXPECT_GE(curve.points[i].second, 0.9 * curve.points[i - 1].second) << curve.name << i;
    }
  }
}

TEST(PlanPicture, IsASoundDrawing) {
  const std::vector<SpeedCurve> curves = {{"A<B", {{8e9, 1}, {600e9, 9}}},
                                          {"C&D", {{8e9, 2}, {9e9, 9}}}};
  const std::string svg = speed_picture(curves, 16e9, {"Title \"x\"", "sub", "here"});
  EXPECT_THAT(
      svg, AllOf(HasSubstr("<svg xmlns="), HasSubstr("A&lt;B"), HasSubstr("C&amp;D"),
                 HasSubstr("here"), HasSubstr("prefers-color-scheme"), HasSubstr("memory in GiB"),
                 Not(HasSubstr("nan")), Not(HasSubstr("inf")), Not(HasSubstr("<script"))));
  // Every coordinate lies on the paper.
  const std::regex number("(?:x|y|cx|cy|x1|x2|y1|y2)=\"(-?[0-9.]+)\"");
  for (std::sregex_iterator it(svg.begin(), svg.end(), number), end; it != end; ++it) {
    const double value = std::stod((*it)[1]);
    EXPECT_GE(value, 0);
    EXPECT_LE(value, 800);
  }
}

TEST(PlanPicture, LabelsDoNotTouch) {
  std::vector<SpeedCurve> curves;
  for (int i = 0; i < 8; ++i)
    curves.push_back({"mix " + std::to_string(i), {{8e9, 1}, {5e11, 1.0 + 0.001 * i}}});
  const std::string svg = speed_picture(curves, 0, {"t", "s", ""});
  const std::regex label("<text x=\"[0-9.]+\" y=\"([0-9.]+)\" class=\"curve-name\"");
  std::vector<double> places;
  for (std::sregex_iterator it(svg.begin(), svg.end(), label), end; it != end; ++it) {
    places.push_back(std::stod((*it)[1]));
  }
  ASSERT_EQ(places.size(), 8U);
  for (std::size_t i = 1; i < places.size(); ++i) EXPECT_GE(places[i] - places[i - 1], 14.9);
}

TEST(PlanPicture, NothingToDrawIsStillADrawing) {
  EXPECT_THAT(speed_picture({}, 0, {"t", "s", ""}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace jevons
