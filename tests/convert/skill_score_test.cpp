#include "convert/skill_score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/output_parser.h"

namespace jevons {
namespace {

SkillCase answer_case(WantedAnswer answer) {
  SkillCase result;
  result.answer = std::move(answer);
  Message question;
  question.content = "Is it Paris?";
  result.request.messages = {question};
  return result;
}

SkillCase call_case(std::vector<WantedCall> calls) {
  SkillCase result;
  ToolDefinition read;
  read.name = "read";
  read.parameters = R"({"type": "object", "required": ["path"], "properties": )"
                    R"({"path": {"type": "string"}, "lines": {"type": "number"}}})";
  ToolDefinition clock;
  clock.name = "clock";
  result.request.tools = {read, clock};
  result.calls = std::move(calls);
  return result;
}

SkillTurn turn_of(const std::string& text, std::vector<ToolCall> calls = {}) {
  SkillTurn turn;
  turn.message = new_assistant_message();
  turn.message.content = text;
  turn.message.tool_calls = std::move(calls);
  turn.closed_reasoning = turn.ended = true;
  return turn;
}

bool is_right(const WantedAnswer& answer, const std::string& text) {
  return judge(answer_case(answer), turn_of(text)).right;
}

TEST(SkillScore, AnswersAreComparedAsTheSuiteSays) {
  const WantedAnswer text{{"Paris."}, {}, ""};
  EXPECT_TRUE(is_right(text, "Paris."));
  EXPECT_TRUE(is_right(text, " Paris.\n"));
  EXPECT_FALSE(is_right(text, "Paris"));
  EXPECT_FALSE(is_right(text, "It is Paris."));
  const WantedAnswer any{{"Yes.", "Yes"}, {}, ""};
  EXPECT_TRUE(is_right(any, "Yes"));
  EXPECT_FALSE(is_right(any, "No"));
  const WantedAnswer words{{}, {{"4", "four"}, {"apples"}}, ""};
  EXPECT_TRUE(is_right(words, "There are Four APPLES."));
  EXPECT_TRUE(is_right(words, "apples: 4"));
  EXPECT_FALSE(is_right(words, "There are 14 apples."));
  EXPECT_FALSE(is_right(words, "There are 4 pineapples."));
  EXPECT_FALSE(is_right(words, "There are 4."));
  const WantedAnswer number{{}, {{"42"}}, ""};
  for (const char* right : {"42", "It is 42.", "42, and no more", "a:42", "range 3-42", "(42)"}) {
    EXPECT_TRUE(is_right(number, right)) << right;
  }
  for (const char* wrong :
       {"42,000", "42.7", "-42", "it is -42", "3.42", "10:42", "1,042", "x42"}) {
    EXPECT_FALSE(is_right(number, wrong)) << wrong;
  }
  const WantedAnswer price{{}, {{"-5 C"}, {"3.5"}}, ""};
  EXPECT_TRUE(is_right(price, "It has -5 C and 3.5 bar"));
  const WantedAnswer json{{}, {}, R"({"a": 1, "b": [null, "x"]})"};
  EXPECT_TRUE(is_right(json, R"({"b": [null, "x"], "a": 1.0})"));
  EXPECT_FALSE(is_right(json, R"({"a": 1, "b": ["x"]})"));
  EXPECT_FALSE(is_right(json, R"(Here it is: {"a": 1, "b": [null, "x"]})"));
}

TEST(SkillScore, AnAnswerThatDoesNotEndIsWrong) {
  const SkillCase wanted = answer_case({{"Paris."}, {}, ""});
  SkillTurn turn = turn_of("Paris.");
  turn.ended = false;
  EXPECT_FALSE(judge(wanted, turn).right);
  turn.ended = true;
  turn.closed_reasoning = false;
  EXPECT_FALSE(judge(wanted, turn).ended);
  EXPECT_FALSE(judge(wanted, turn).right);
}

TEST(SkillScore, WhoOnlyRepeatsTheQuestionDoesNotAnswer) {
  const WantedAnswer words{{}, {{"Paris"}}, ""};
  EXPECT_TRUE(is_right(words, "Yes, it is Paris."));
  EXPECT_FALSE(is_right(words, "Is it Paris?"));
  EXPECT_TRUE(is_right({{"Is it Paris?"}, {}, ""}, "Is it Paris?"));
}

TEST(SkillScore, AMarkerOfTheFormatInTheTextIsAStrayOne) {
  const SkillCase wanted = answer_case({{}, {{"Paris"}}, ""});
  for (const char* marker : {"]~b]", "[e~[", "<think>", "</think>", "<minimax:tool_call>"}) {
    const SkillVerdict verdict = judge(wanted, turn_of(std::string("Paris ") + marker));
    EXPECT_FALSE(verdict.is_clean) << marker;
    EXPECT_FALSE(verdict.right) << marker;
  }
}

TEST(SkillScore, ACallWhereNoneIsWantedIsWrong) {
  const SkillVerdict verdict =
      judge(answer_case({{}, {{"Paris"}}, ""}), turn_of("Paris", {{"1", "clock", "{}"}}));
  EXPECT_TRUE(verdict.has_calls);
  EXPECT_FALSE(verdict.right);
}

TEST(SkillScore, CallsAreComparedByTheirValues) {
  const SkillCase wanted = call_case({{"read", R"({"path": "2+3", "lines": 5})"}});
  const auto verdict_of = [&](const std::string& name, const std::string& arguments) {
    return judge(wanted, turn_of("", {{"1", name, arguments}}));
  };
  EXPECT_TRUE(verdict_of("read", R"({"lines": 5.0, "path": " 2 + 3"})").right);
  SkillVerdict verdict = verdict_of("read", R"({"path": "2+3", "lines": 6})");
  EXPECT_TRUE(verdict.format_valid);
  EXPECT_TRUE(verdict.right_tools);
  EXPECT_EQ(verdict.n_arguments, 2);
  EXPECT_EQ(verdict.n_right_arguments, 1);
  EXPECT_FALSE(verdict.right);
  verdict = verdict_of("read", R"({"path": "2+3", "lines": 5, "more": 1})");
  EXPECT_EQ(verdict.n_right_arguments, 2);
  EXPECT_FALSE(verdict.right);
  EXPECT_FALSE(verdict_of("read", R"({"lines": 5})").format_valid) << "path is required";
  EXPECT_FALSE(verdict_of("write", R"({"path": "2+3", "lines": 5})").format_valid) << "not offered";
  EXPECT_FALSE(verdict_of("clock", "{}").right_tools);
  const SkillCase list = call_case({{"read", R"({"path": ["a b", {"c": "d e"}]})"}});
  EXPECT_TRUE(judge(list, turn_of("", {{"1", "read", R"({"path": ["ab", {"c": " de"}]})"}})).right);
}

TEST(SkillScore, SeveralCallsMayComeInAnyOrder) {
  const SkillCase wanted =
      call_case({{"read", R"({"path": "a"})"}, {"read", R"({"path": "b"})"}, {"clock", "{}"}});
  const ToolCall a{"1", "read", R"({"path": "a"})"};
  const ToolCall b{"2", "read", R"({"path": "b"})"};
  const ToolCall clock{"3", "clock", "{}"};
  EXPECT_TRUE(judge(wanted, turn_of("", {clock, b, a})).right);
  // One call's arguments may be a part of another's.
  const SkillCase nested =
      call_case({{"read", R"({"path": "a"})"}, {"read", R"({"path": "a", "lines": 3})"}});
  const ToolCall more{"4", "read", R"({"path": "a", "lines": 3})"};
  EXPECT_TRUE(judge(nested, turn_of("", {more, a})).right);
  EXPECT_EQ(judge(nested, turn_of("", {more, a})).n_right_arguments, 3);
  EXPECT_FALSE(judge(nested, turn_of("", {more, more})).right);
  EXPECT_FALSE(judge(wanted, turn_of("", {a, a, clock})).right);
  EXPECT_TRUE(judge(wanted, turn_of("", {a, a, clock})).right_tools);
  EXPECT_FALSE(judge(wanted, turn_of("", {a, b})).right_tools);
  EXPECT_FALSE(judge(wanted, turn_of("", {a, b, clock, clock})).right_tools);
}

TEST(SkillScore, ABrokenCallIsNoValidOne) {
  const SkillCase wanted = call_case({{"clock", "{}"}});
  SkillTurn turn = turn_of("", {{"1", "clock", "{}"}});
  EXPECT_TRUE(judge(wanted, turn).right);
  turn.warnings = {"something"};
  EXPECT_FALSE(judge(wanted, turn).right);
  turn.warnings.clear();
  turn.has_cut_call = true;
  EXPECT_FALSE(judge(wanted, turn).format_valid);
  EXPECT_FALSE(judge(wanted, turn).right);
}

// Of the formula, computed by hand: 8 of 10.
TEST(SkillScore, TheIntervalIsWilsons) {
  const Share share{8, 10};
  EXPECT_NEAR(share.interval().low, 0.4902, 0.0001);
  EXPECT_NEAR(share.interval().high, 0.9433, 0.0001);
  EXPECT_EQ((Share{0, 5}.interval().low), 0);
  EXPECT_EQ((Share{5, 5}.interval().high), 1);
  EXPECT_LT((Share{5, 5}.interval().low), 1);
  EXPECT_EQ((Share{}.interval().high), 1);
}

TEST(SkillScore, SumsCountEachTurnWhereItBelongs) {
  SkillScore score;
  SkillCase call = call_case({{"clock", "{}"}});
  call.skill = "daily";
  SkillCase fact = answer_case({{"62"}, {}, ""});
  fact.skill = "plain";
  fact.is_taught = true;
  SkillCase talk = answer_case({{"Hi."}, {}, ""});
  talk.skill = "talk";
  const auto add = [&](const SkillCase& one, const SkillTurn& turn) {
    score.add(one, turn, judge(one, turn));
  };
  add(call, turn_of("", {{"1", "clock", "{}"}}));
  add(call, turn_of("It is noon."));
  add(fact, turn_of("62"));
  add(talk, turn_of("", {{"1", "clock", "{}"}}));
  EXPECT_EQ(score.ended.n, 4);
  EXPECT_EQ(score.called.n, 2);
  EXPECT_EQ(score.called.n_right, 1);
  EXPECT_EQ(score.format_valid.n, 2);
  EXPECT_EQ(score.right_calls.n_right, 1);
  EXPECT_EQ(score.silent.n, 1);
  EXPECT_EQ(score.right_answers.n, 1);
  EXPECT_EQ(score.right_answers.n_right, 0);
  EXPECT_EQ(score.taught.n_right, 1);
  EXPECT_EQ(score.skills.size(), 2U);
  EXPECT_EQ(score.skills["daily"].n_right, 1);
  EXPECT_EQ(score.reasoning_tokens.size(), 4U);
}

}  // namespace
}  // namespace jevons
