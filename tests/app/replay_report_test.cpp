#include "app/replay_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/term/terminal.h"

namespace jevons {
namespace {

// M2.5's shape with a few tokens.
ReplayReport example(bool has_guesses) {
  GeneratedSession session;
  session.n_tokens = 20;
  auto routing = generate_routing(session);
  EXPECT_TRUE(routing);
  if (!has_guesses) routing->guessed = {};
  ReplayReport report;
  report.model = "MiniMax-M2.5";
  report.routing = "generated";
  report.n_tokens = 20;
  report.has_guesses = has_guesses;
  report.dense_bytes = 2'630'000'000;
  report.expert_bytes = 126'000'000'000;
  report.ram_bytes = 24'000'000'000;
  const std::vector<std::uint64_t> expert_bytes(62, 7'960'000);
  for (const int n_slots : {16, 128}) {
    auto row = ReplayReport::Row::of(*routing, 256, expert_bytes, std::vector<int>(62, n_slots));
    EXPECT_TRUE(row);
    report.rows.push_back(std::move(*row));
  }
  return report;
}

TEST(ReplayReport, TheTableFitsEightyColumns) {
  use_utf8_locale();
  for (const bool has_guesses : {false, true}) {
    const std::string text = example(has_guesses).text(80);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
    EXPECT_EQ(text.find("useful") != std::string::npos, has_guesses);
    EXPECT_THAT(text, testing::HasSubstr("24.0 GB of memory leave 21.4 GB for experts"));
  }
}

TEST(ReplayReport, CountsTheBytesOfEachMiss) {
  const ReplayReport report = example(true);
  const ReplayReport::Row& row = report.rows.front();
  EXPECT_EQ(row.memory_bytes, 62ULL * 16 * 7'960'000);
  const double n_misses = static_cast<double>(row.jevons.all.n_uses - row.jevons.all.n_hits);
  EXPECT_NEAR(row.read_bytes_per_token, n_misses / 20 * 7.96e6, 1e3);
}

TEST(ReplayReport, JsonHasEveryFigure) {
  const auto json = nlohmann::ordered_json::parse(example(true).json());
  ASSERT_EQ(json.at("rows").size(), 2U);
  const auto& row = json.at("rows").at(1);
  EXPECT_EQ(row.at("slots").size(), 62U);
  for (const char* policy : {"jevons", "lru", "lfu", "optimal"}) {
    EXPECT_EQ(row.at(policy).at("layers").size(), 62U);
    EXPECT_GT(row.at(policy).at("hit_rate_without_first"), row.at(policy).at("hit_rate"));
  }
  EXPECT_GT(row.at("guesses").at("ready").get<double>(), 0.7);
  const auto without = nlohmann::ordered_json::parse(example(false).json());
  EXPECT_FALSE(without.at("rows").at(0).contains("guesses"));
}

}  // namespace
}  // namespace jevons
