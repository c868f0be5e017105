#include "app/skill_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "app/term/terminal.h"
#include "text/output_parser.h"

namespace jevons {
namespace {

using testing::HasSubstr;

SkillReport example() {
  SkillReport report;
  report.model = "MiniMax-M2.5-Q4_K_M-00001-of-00004.gguf";
  report.quantisation = "Q4_K";
  report.suite = "skills.jsonl";
  SkillCase one;
  one.id = "talk-0001";
  one.skill = "talk";
  one.answer.texts = {"Hi."};
  SkillTurn turn;
  turn.message = new_assistant_message();
  turn.message.content = "Hi.";
  turn.closed_reasoning = turn.ended = true;
  for (const int n_tokens : {10, 30, 20}) {
    turn.n_reasoning_tokens = n_tokens;
    report.score.add(one, turn, judge(one, turn));
    report.run.turns.push_back(turn);
    turn.message.content = "Ho.";
  }
  report.run.n_prompt_tokens = 200;
  report.run.n_cached_tokens = 50;
  report.routing = RoutingFigures{};
  report.routing->n_tokens = 16384;
  report.routing->overlap = {0.2, 0.1, 0.1, 0.1, 0.1};
  return report;
}

TEST(SkillReport, TheTextFitsEightyColumns) {
  use_utf8_locale();
  std::istringstream lines(example().text(80));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 80) << line;
}

TEST(SkillReport, SaysSharesIntervalsLengthsAndRouting) {
  const std::string text = example().text(80);
  EXPECT_THAT(text, HasSubstr("33.3 %"));
  EXPECT_THAT(text, HasSubstr("6.1 to 79.2"));
  EXPECT_THAT(text, HasSubstr("20 tokens on average, half of the turns at most 20"));
  EXPECT_THAT(text, HasSubstr("25.0 %"));                            // from the cache
  EXPECT_THAT(text, HasSubstr("78.5 %"));                            // M2.5's
  EXPECT_THAT(text, testing::Not(HasSubstr("calls: right tools")));  // none was wanted
}

TEST(SkillReport, TheJsonHasTheSameFigures) {
  const auto json = nlohmann::json::parse(example().json());
  EXPECT_EQ(json["cases"], 3);
  EXPECT_EQ(json["answers"]["right"], 1);
  EXPECT_NEAR(json["skills"]["talk"]["low"].get<double>(), 0.0615, 0.0001);
  EXPECT_EQ(json["reasoning_tokens"]["max"], 30);
  EXPECT_EQ(json["routing"]["overlap"]["1"], 0.2);
}

TEST(SkillReport, EveryTurnIsALine) {
  SkillCase one;
  one.id = "talk-0001";
  one.answer.texts = {"Hi."};
  SkillTurn turn;
  turn.message = new_assistant_message();
  turn.message.content = "Hi.";
  turn.closed_reasoning = turn.ended = true;
  const std::vector<SkillCase> cases = {one, one};
  const std::vector<std::optional<SkillTurn>> turns = {std::nullopt, turn};
  const std::string lines = turns_json_lines(cases, turns);
  const auto json = nlohmann::json::parse(lines);
  EXPECT_EQ(json["id"], "talk-0001");
  EXPECT_EQ(json["right"], true);
  EXPECT_EQ(json["text"], "Hi.");
}

}  // namespace
}  // namespace jevons
