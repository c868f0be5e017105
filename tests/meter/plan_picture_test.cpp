#include "meter/plan_picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

TEST(PlanPicture, DrawsEveryCurveAndTheMark) {
  std::vector<SpeedCurve> curves;
  for (int i = 0; i < 13; ++i) {
    curves.push_back({"mix" + std::to_string(i) + "x", {{8e9, 1}, {500e9, 2.0 + i}}});
  }
  const std::string svg = speed_picture(curves, 64e9, {"Title", "sub", "here"});
  for (const SpeedCurve& curve : curves) EXPECT_THAT(svg, HasSubstr(curve.name));
  EXPECT_THAT(svg, AllOf(HasSubstr("here"), HasSubstr("memory in GiB"), Not(HasSubstr("nan"))));
  // A dot on each curve where the mark is; none without it, and none where a curve is not.
  const auto n_dots = [](const std::string& text) {
    const std::regex dot("<circle ");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), dot), {});
  };
  EXPECT_EQ(n_dots(svg), 13);
  EXPECT_EQ(n_dots(speed_picture(curves, 0, {"t", "s", ""})), 0);
  EXPECT_EQ(n_dots(speed_picture(curves, 5e9, {"t", "s", "small"})), 0);
}

TEST(PlanPicture, NamesDoNotTouchAndStayOnThePaper) {
  std::vector<SpeedCurve> curves;
  for (int i = 0; i < 14; ++i) {
    curves.push_back({"mix " + std::to_string(i), {{8e9, 1}, {5e11, 0.1 + 0.001 * i}}});
  }
  const std::string svg = speed_picture(curves, 0, {"t", "s", ""});
  const std::regex name("y=\"([0-9.]+)\" text-anchor=\"start\" class=\"f[0-7]\"");
  std::vector<double> places;
  for (std::sregex_iterator it(svg.begin(), svg.end(), name), end; it != end; ++it) {
    places.push_back(std::stod((*it)[1]));
  }
  ASSERT_EQ(places.size(), 14U);
  std::sort(places.begin(), places.end());
  for (std::size_t i = 1; i < places.size(); ++i) EXPECT_GE(places[i] - places[i - 1], 14.9);
  EXPECT_GT(places.front(), 60);
  EXPECT_LT(places.back(), 480);
}

TEST(PlanPicture, NothingToDrawIsStillADrawing) {
  EXPECT_THAT(speed_picture({}, 0, {"t", "s", ""}), HasSubstr("</svg>"));
}

}  // namespace
}  // namespace jevons
