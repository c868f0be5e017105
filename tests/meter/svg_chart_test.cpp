#include "meter/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>

#include "meter/chart_scale.h"
#include "meter/svg_canvas.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> labels(const std::vector<ChartTick>& ticks) {
  std::vector<std::string> found;
  found.reserve(ticks.size());
  for (const ChartTick& tick : ticks) found.push_back(tick.label);
  return found;
}

// Every tag is closed, in the order in which they were opened.
void expect_well_formed(const std::string& svg) {
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z]+)([^<>]*?)(/?)>");
  for (std::sregex_iterator it(svg.begin(), svg.end(), tag), end; it != end; ++it) {
    const std::string name = (*it)[2];
    if ((*it)[1] == "/") {
      ASSERT_FALSE(open.empty());
      EXPECT_EQ(open.back(), name);
      open.pop_back();
    } else if ((*it)[4] != "/") {
      open.push_back(name);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_THAT(std::regex_replace(svg, tag, ""), Not(HasSubstr("<")));
}

TEST(ChartScale, TicksAreRoundNumbersWithinTheRange) {
  EXPECT_THAT(labels(ChartScale(0, 39420, false, 0, 100).ticks()),
              ElementsAre("0", "10,000", "20,000", "30,000"));
  EXPECT_THAT(labels(ChartScale(68, 82, false, 0, 100).ticks()), ElementsAre("70", "75", "80"));
  EXPECT_THAT(labels(ChartScale(0.3, 25, true, 0, 100).ticks()),
              ElementsAre("0.5", "1", "2", "5", "10", "20"));
  EXPECT_THAT(labels(ChartScale(0, 0.5, false, 0, 100).ticks()),
              ElementsAre("0", "0.1", "0.2", "0.3", "0.4", "0.5"));
}

TEST(ChartScale, PlacesGoFromEndToEnd) {
  const ChartScale up(10, 20, false, 300, 100);
  EXPECT_DOUBLE_EQ(up.place(10), 300);
  EXPECT_DOUBLE_EQ(up.place(15), 200);
  const ChartScale decades(1, 100, true, 0, 200);
  EXPECT_DOUBLE_EQ(decades.place(10), 100);
}

TEST(SvgChart, TextsAreEscaped) {
  XyChart chart;
  chart.title = "<script>alert(1)</script>";
  chart.points = {{1, 1, "a & \"b\" <c>\x1b", 0, false}, {2, 2, "é", 1, true}};
  const std::string svg = svg_of(chart);
  EXPECT_THAT(svg, Not(HasSubstr("<script")));
  EXPECT_THAT(svg, HasSubstr("a &amp; &quot;b&quot; &lt;c&gt;"));
  EXPECT_THAT(svg, Not(HasSubstr("\x1b")));
  expect_well_formed(svg);
}

TEST(SvgChart, ManyPointsOnOnePlaceHaveLabelsThatDoNotOverlap) {
  XyChart chart;
  for (int i = 0; i < 8; ++i)
    chart.points.push_back({5, 5, "point " + std::to_string(i), i, false});
  chart.points.push_back({1, 1, "", 0, false});
  const std::string svg = svg_of(chart);
  std::vector<SvgBox> boxes;
  const std::regex label("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\"[^>]*class=\"halo\">([^<]+)</text>");
  for (std::sregex_iterator it(svg.begin(), svg.end(), label), end; it != end; ++it) {
    const double x = std::stod((*it)[1]), y = std::stod((*it)[2]);
    boxes.push_back({x, y - 12, x + svg_text_width((*it)[3].str(), 13), y + 4});
  }
  ASSERT_EQ(boxes.size(), 8U);
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) EXPECT_FALSE(boxes[i].overlaps(boxes[k])) << i << " " << k;
  }
}

TEST(SvgChart, OddDataStillGivesAPicture) {
  for (const bool is_logarithmic : {false, true}) {
    XyChart chart;
    chart.x.is_logarithmic = is_logarithmic;
    expect_well_formed(svg_of(chart));  // no points at all
    chart.points = {{3, 7, "alone", 0, false}};
    chart.lines = {{{{3, 7, "", 0, false}}, "a line of one point", 0, true}};
    chart.x_rules = {{3, "rule"}, {4, "another"}};
    const std::string svg = svg_of(chart);
    expect_well_formed(svg);
    EXPECT_THAT(svg, Not(HasSubstr("nan")));
    EXPECT_THAT(svg, Not(HasSubstr("inf\"")));
  }
  expect_well_formed(svg_of(BarChart{}));
}

TEST(SvgChart, BarsAreAsLongAsTheirValues) {
  BarChart chart;
  chart.bars = {{"a", 10, "ten", 0}, {"b", 40, "forty", 1}, {"c", 0, "none", 2}};
  const std::string svg = svg_of(chart);
  expect_well_formed(svg);
  std::vector<double> widths;
  const std::regex bar("<rect [^>]*width=\"([0-9.]+)\" height=\"18.0\"");
  for (std::sregex_iterator it(svg.begin(), svg.end(), bar), end; it != end; ++it) {
    widths.push_back(std::stod((*it)[1]));
  }
  ASSERT_EQ(widths.size(), 3U);
  EXPECT_NEAR(widths[1] / widths[0], 4, 0.01);
  EXPECT_EQ(widths[2], 0);
}

}  // namespace
}  // namespace jevons
