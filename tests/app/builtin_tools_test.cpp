#include "app/builtin_tools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>
#include <regex>

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

TEST(BuiltinTools, DefinitionsAreThoseThatNanoWasTrainedWith) {
  const auto tools = builtin_tools("calculator,clock").value();
  ASSERT_THAT(tools, SizeIs(2));
  EXPECT_EQ(
      tools[0].function_json,
      R"json({"name": "calculator", "description": "Evaluate an arithmetic expression.", )json"
      R"json("parameters": {"type": "object", "properties": {"expression": {"type": )json"
      R"json("string", "description": "For example 12 * (3 + 4)"}}, "required": )json"
      R"json(["expression"]}})json");
  EXPECT_EQ(tools[1].function_json,
            R"json({"name": "clock", "description": "Tell the current date and time.", )json"
            R"json("parameters": {"type": "object", "properties": {}}})json");
  for (const ToolDefinition& tool : tools) {
    const auto json = nlohmann::ordered_json::parse(tool.function_json);
    EXPECT_EQ(json.at("name"), tool.name);
    EXPECT_EQ(json.at("parameters"), nlohmann::ordered_json::parse(tool.parameters));
  }
}

TEST(BuiltinTools, NamesAreALimitedList) {
  EXPECT_THAT(builtin_tools("").value(), SizeIs(0));
  EXPECT_THAT(builtin_tools("clock,clock").value(), SizeIs(1));
  EXPECT_THAT(builtin_tools("clock,abacus").error().message,
              testing::AllOf(HasSubstr("'abacus'"), HasSubstr("calculator, clock")));
  EXPECT_FALSE(builtin_tools("calculator,,clock"));
}

TEST(BuiltinTools, TheCalculatorAnswers) {
  const auto tools = builtin_tools("calculator").value();
  const auto run = [&](const std::string& arguments) {
    return run_builtin_tool({"id", "calculator", arguments}, tools);
  };
  EXPECT_EQ(run(R"({"expression": "17 + 25"})"), "42");
  EXPECT_EQ(run(R"({"expression": 42})"), "42");
  EXPECT_EQ(run(R"({"expression": "1 / 0"})"), "error: division by zero");
  EXPECT_EQ(run("{}"), "error: the parameter expression is missing");
  EXPECT_EQ(run("[]"), "error: the arguments are not a JSON object");
  EXPECT_EQ(run("nonsense"), "error: the arguments are not a JSON object");
}

TEST(BuiltinTools, OnlyWhatIsOfferedRuns) {
  const auto tools = builtin_tools("clock").value();
  EXPECT_EQ(run_builtin_tool({"id", "calculator", R"({"expression": "1"})"}, tools),
            "error: there is no tool named calculator");
  EXPECT_EQ(run_builtin_tool({"id", "rm", "{}"}, tools), "error: there is no tool named rm");
}

TEST(BuiltinTools, TheClockTellsLocalTime) {
  ::setenv("TZ", "UTC0", 1);
  ::tzset();
  EXPECT_EQ(clock_text(1795473780), "Monday, 2026-11-23 22:43");
  EXPECT_EQ(clock_text(0), "Thursday, 1970-01-01 00:00");
  const std::string now = run_builtin_tool({"id", "clock", "{}"}, builtin_tools("clock").value());
  EXPECT_TRUE(std::regex_match(now, std::regex(R"([A-Z][a-z]+day, \d{4}-\d\d-\d\d \d\d:\d\d)")))
      << now;
}

}  // namespace
}  // namespace jevons
