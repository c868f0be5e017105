#include "app/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/term/terminal.h"

namespace jevons {
namespace {

BenchReport example() {
  BenchReport report;
  report.model = "MiniMax-M2.5";
  report.kernels = "avx512";
  report.kv_type = "q8_0";
  report.weight_bytes_per_token = 5'900'000'000;
  report.kv_bytes_per_token = 134'912;
  report.active_parameters = 10'420'000'000;
  report.bandwidth = {{8, 80e9}};
  report.int8_peak = {{8, 8e12}};
  report.figures = {{{true, 2048, 4096, 8}, {100}, 100, 0},
                    {{false, 128, 4096, 8}, {9, 11}, 10, 1.41}};
  return report;
}

TEST(BenchReport, RatiosAreOfTheMachinesOwnLimits) {
  const BenchReport report = example();
  EXPECT_NEAR(report.ratio_to_limit(report.figures[0]), 100 * 2 * 10.42e9 / 8e12, 1e-9);
  const double bytes = 5.9e9 + (4096 + 64) * 134'912.0;
  EXPECT_NEAR(report.bytes_per_token(report.figures[1].test), bytes, 1);
  EXPECT_NEAR(report.ratio_to_limit(report.figures[1]), 10 * bytes / 80e9, 1e-9);
  SpeedFigure unmeasured = report.figures[0];
  unmeasured.test.n_threads = 3;
  EXPECT_EQ(report.ratio_to_limit(unmeasured), 0);
}

TEST(BenchReport, TheTableFitsEightyColumns) {
  use_utf8_locale();
  std::istringstream lines(example().text(80));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
  EXPECT_THAT(example().text(80), testing::HasSubstr("tg128 @ 4096"));
}

TEST(BenchReport, JsonHasEveryFigure) {
  const auto json = nlohmann::ordered_json::parse(example().json());
  EXPECT_EQ(json.at("results").size(), 2U);
  EXPECT_EQ(json.at("results").at(1).at("repetitions").size(), 2U);
  EXPECT_EQ(json.at("machine").at(0).at("threads"), 8);
}

}  // namespace
}  // namespace jevons
