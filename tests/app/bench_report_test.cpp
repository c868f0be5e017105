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
  report.prompt_multiplications = 9.6e9;
  report.machine = {{8, {80e9, 76e9, 75e9, 8e12}}};
  report.figures = {{{true, 2048, 4096, 8}, {100}, 100, 0, 0, 8e12},
                    {{false, 128, 4096, 8}, {9, 11}, 10, 1.41, 80e9, 0}};
  return report;
}

TEST(BenchReport, RatiosAreOfTheMachinesOwnLimits) {
  const BenchReport report = example();
  EXPECT_NEAR(report.ratio_to_limit(report.figures[0]), 100 * 2 * 9.6e9 / 8e12, 1e-9);
  const double bytes = 5.9e9 + (4096 + 64) * 134'912.0;
  EXPECT_NEAR(report.bytes_per_token(report.figures[1]), bytes, 1);
  EXPECT_NEAR(report.ratio_to_limit(report.figures[1]), 10 * bytes / 80e9, 1e-9);
  SpeedFigure unmeasured = report.figures[0];
  unmeasured.int8_operations_per_second = 0;
  EXPECT_EQ(report.ratio_to_limit(unmeasured), 0);
}

TEST(BenchReport, TheTableFitsEightyColumns) {
  use_utf8_locale();
  std::istringstream lines(example().text(80));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
  EXPECT_THAT(example().text(80), testing::HasSubstr("tg128 @ 4096"));
}

TEST(BenchReport, TheBreakdownAddsUp) {
  use_utf8_locale();
  BenchReport report = example();
  report.has_breakdown = true;
  report.stage_bytes = {1e9, 0.1e9, 4e9, 0.8e9};
  // 256 tokens: 10, 20, 1, 60, 8, 1 ms each, sampled in half of one.
  report.figures[1].stages = {2.56, 5.12, 0.256, 15.36, 2.048, 0.256, 0.512, 256 * 500};
  report.figures[1].sampling_seconds = 0.128;
  const std::string text = report.text(80);
  EXPECT_THAT(text, testing::ContainsRegex("experts +60.0000 +59.7 % +66.7 GB/s +83 %"));
  EXPECT_THAT(text, testing::HasSubstr("waiting for other threads: 2.0000 ms (2.0 %)"));
  EXPECT_THAT(text, testing::HasSubstr("500 loops divided among threads in a step"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
  const auto json = nlohmann::ordered_json::parse(report.json());
  EXPECT_NEAR(json.at("results").at(1).at("stages").at("head").at("ms_per_token"), 8, 1e-9);
}

// Eight sequences of a model with two layers, whose steps run 40 experts in each.
TEST(BenchReport, SequencesShareTheWeightsTheyRead) {
  BenchReport report = example();
  report.stage_bytes.experts = 4e9;
  report.n_experts_per_token = 16;
  SpeedFigure figure = report.figures[1];
  figure.test.n_sequences = 8;
  figure.stages.n_experts = 80ULL * 128 * 2;
  const double bytes = (5.9e9 - 4e9 + 4e9 * 80 / 16) / 8 + (4096 + 64) * 134'912.0;
  EXPECT_NEAR(report.bytes_per_token(figure), bytes, 1);
  report.figures = {figure};
  EXPECT_THAT(report.text(80), testing::HasSubstr("tg128 x 8 @ 4096"));
}

TEST(BenchReport, JsonHasEveryFigure) {
  const auto json = nlohmann::ordered_json::parse(example().json());
  EXPECT_EQ(json.at("results").size(), 2U);
  EXPECT_EQ(json.at("results").at(1).at("repetitions").size(), 2U);
  EXPECT_EQ(json.at("machine").at(0).at("threads"), 8);
}

}  // namespace
}  // namespace jevons
