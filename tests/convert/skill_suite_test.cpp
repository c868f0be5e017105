#include "convert/skill_suite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "convert/skill_score.h"
#include "text/output_parser.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kCall =
    R"({"id": "a-1", "skill": "files", "request": {"messages": [)"
    R"({"role": "user", "content": "Read a"}], "tools": [{"type": "function", "function": )"
    R"({"name": "read", "parameters": {"properties": {"path": {"type": "string"}}}}}]}, )"
    R"("wanted": {"calls": [{"name": "read", "arguments": {"path": "a"}}]}})";

std::string answer_case(const std::string& id, const std::string& skill,
                        const std::string& wanted) {
  return R"({"id": ")" + id + R"(", "skill": ")" + skill +
         R"(", "request": {"messages": [{"role": "user", "content": "Hi"}]}, "wanted": )" + wanted +
         "}\n";
}

std::string error_of(const std::string& lines) {
  const auto cases = parse_skill_suite(lines);
  return cases ? "" : cases.error().message;
}

TEST(SkillSuite, ReadsCallsAndEveryKindOfAnswer) {
  const auto cases = parse_skill_suite(
      std::string(kCall) + "\n\n" + answer_case("b-1", "talk", R"({"text": "Hello."})") +
      answer_case("b-2", "talk", R"({"any": ["Hello.", "Hi."]})") +
      answer_case("b-3", "talk", R"({"words": ["four|4", "apples"]})") +
      answer_case("b-4", "talk", R"({"json": {"a": [1, null]}})"));
  ASSERT_TRUE(cases) << cases.error().message;
  ASSERT_EQ(cases->size(), 5U);
  EXPECT_EQ((*cases)[0].calls.front().name, "read");
  EXPECT_EQ((*cases)[0].calls.front().arguments, R"({"path": "a"})");
  EXPECT_EQ((*cases)[0].request.tools.size(), 1U);
  EXPECT_THAT((*cases)[1].answer.texts, ElementsAre("Hello."));
  EXPECT_THAT((*cases)[2].answer.texts, ElementsAre("Hello.", "Hi."));
  EXPECT_THAT((*cases)[3].answer.words,
              ElementsAre(ElementsAre("four", "4"), ElementsAre("apples")));
  EXPECT_EQ((*cases)[4].answer.json, R"({"a": [1, null]})");
  EXPECT_FALSE((*cases)[4].is_taught);
}

TEST(SkillSuite, ErrorsNameTheLineAndTheMember) {
  EXPECT_THAT(error_of(""), HasSubstr("no cases"));
  EXPECT_THAT(error_of("{"), HasSubstr("line 1"));
  EXPECT_THAT(error_of(std::string(kCall) + "\n{}"), HasSubstr("line 2: \"id\" is missing"));
  EXPECT_THAT(error_of(std::string(kCall) + "\n" + kCall), HasSubstr("an earlier line has"));
  EXPECT_THAT(error_of(answer_case("x", "y", "{}")), HasSubstr("must have one member"));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"some": 1})")), HasSubstr("calls, text"));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"text": "a", "json": 1})")),
              HasSubstr("must have one member"));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"words": ["a|"]})")),
              HasSubstr("empty alternative in \"a|\""));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"text": 3})")), HasSubstr("\"text\""));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"any": []})")), HasSubstr("\"any\""));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"words": "a"})")), HasSubstr("\"words\""));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"calls": []})")), HasSubstr("\"calls\""));
  EXPECT_THAT(error_of(answer_case("x", "y", R"({"calls": [{"name": "r", "arguments": {}}]})")),
              HasSubstr("\"r\" is not among those offered"));
  EXPECT_THAT(error_of(R"({"id": "x", "skill": "y", "request": [], "wanted": {}})"),
              HasSubstr("\"request\" must be an object, and is a list"));
  const auto missing = read_skill_suite("/does/not/exist.jsonl");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/does/not/exist.jsonl"));
}

TEST(SkillSuite, AFewCasesAreTakenEvenlyOfAllSkills) {
  std::string lines;
  for (int i = 0; i < 6; ++i) {
    lines += answer_case("a-" + std::to_string(i), "a", R"({"text": ""})");
    if (i < 2) lines += answer_case("b-" + std::to_string(i), "b", R"({"text": ""})");
  }
  const auto all = parse_skill_suite(lines);
  ASSERT_TRUE(all) << all.error().message;
  const auto ids = [&](const std::vector<std::string>& skills, int n) {
    std::vector<std::string> result;
    const auto chosen = choose_cases(*all, skills, n);
    for (const SkillCase& one : chosen.value()) result.push_back(one.id);
    return result;
  };
  EXPECT_THAT(ids({}, 0), testing::SizeIs(8));
  EXPECT_THAT(ids({}, 100), testing::SizeIs(8));
  EXPECT_THAT(ids({}, 1), ElementsAre("a-0"));
  EXPECT_THAT(ids({}, 4), ElementsAre("a-0", "b-0", "a-1", "b-1"));
  EXPECT_THAT(ids({}, 6), ElementsAre("a-0", "b-0", "a-1", "b-1", "a-2", "a-3"));
  EXPECT_THAT(ids({"b"}, 0), ElementsAre("b-0", "b-1"));
  const auto unknown = choose_cases(*all, {"c"}, 0);
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("no skill \"c\"; the suite has a, b"));
}

// Whoever writes exactly what the suite wants is right in every case.
TEST(SkillSuite, TheShippedOneCanBePassed) {
  const auto cases = read_skill_suite(JEVONS_SOURCE_DIR "/models/skills.jsonl");
  ASSERT_TRUE(cases) << cases.error().message;
  EXPECT_GE(cases->size(), 1000U);
  std::map<std::string, int> skills;
  for (const SkillCase& one : *cases) {
    ++skills[one.skill];
    SkillTurn turn;
    turn.message = new_assistant_message();
    turn.closed_reasoning = turn.ended = true;
    for (const WantedCall& call : one.calls) {
      turn.message.tool_calls.push_back({"", call.name, call.arguments});
    }
    std::string text = one.answer.json;
    if (!one.answer.texts.empty()) text = one.answer.texts.front();
    for (const auto& words : one.answer.words) text += " " + words.front() + ".";
    if (one.calls.empty()) turn.message.content = text;
    EXPECT_TRUE(judge(one, turn).right) << one.id;
    turn.message.content = "";
    turn.message.tool_calls.clear();
    EXPECT_FALSE(judge(one, turn).right) << one.id;
  }
  EXPECT_GE(skills.size(), 9U);
  for (const auto& [skill, n] : skills) EXPECT_GE(n, 100) << skill;
}

}  // namespace
}  // namespace jevons
