// Requests of tests/api/openai_responses/requests.json: what each is understood as.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/dialect.h"
#include "base/atomic_file.h"
#include "tests/api/responses_events.h"
#include "text/chat_json.h"

namespace jevons {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

Json read_cases() {
  const auto text = read_file(JEVONS_SOURCE_DIR "/tests/api/openai_responses/requests.json");
  EXPECT_TRUE(text.has_value());
  return Json::parse(*text);
}

const char* choice_name(ToolChoice::Kind kind) {
  switch (kind) {
    case ToolChoice::Kind::kAuto:
      return "auto";
    case ToolChoice::Kind::kNone:
      return "none";
    case ToolChoice::Kind::kRequired:
      return "required";
    case ToolChoice::Kind::kNamed:
      return "named";
  }
  return "";
}

void expect_warnings(const Json& expected, const GenerationRequest& request) {
  std::vector<std::string> warnings = request.warnings;
  const auto& chat = std::get<ChatRequest>(request.input);
  warnings.insert(warnings.end(), chat.warnings.begin(), chat.warnings.end());
  EXPECT_EQ(warnings.size(), expected.size()) << Json(warnings).dump(1);
  for (const Json& warning : expected) {
    EXPECT_THAT(warnings, Contains(HasSubstr(warning.get<std::string>())));
  }
}

/// Members of `expected` that are absent are not looked at, but for the warnings.
void expect_request(const Json& expected, const GenerationRequest& request) {
  const auto& chat = std::get<ChatRequest>(request.input);
  if (expected.contains("messages")) {
    EXPECT_EQ(Json::parse(messages_to_json(chat.messages)), expected["messages"])
        << messages_to_json(chat.messages);
  }
  if (expected.contains("tools")) {
    Json tools = Json::array();
    for (const ToolDefinition& tool : chat.tools) tools.push_back(Json::parse(tool.function_json));
    EXPECT_EQ(tools, expected["tools"]) << tools.dump(1);
  }
  if (expected.contains("tool_choice")) {
    EXPECT_EQ(choice_name(request.tool_choice.kind), expected["tool_choice"]);
    EXPECT_EQ(request.tool_choice.name, expected.value("tool_name", ""));
    EXPECT_EQ(Json(request.tool_choice.allowed), expected.value("allowed", Json::array()));
  }
  if (expected.contains("thinking")) {
    EXPECT_EQ(request.thinking.enabled, expected["thinking"]);
  }
  if (expected.contains("schema")) {
    EXPECT_EQ(Json::parse(request.format.schema_json), expected["schema"]);
    EXPECT_EQ(request.format.strict, expected["strict"]);
  }
  if (expected.contains("max_tokens")) {
    EXPECT_EQ(Json(request.max_tokens.value_or(-1)), expected["max_tokens"]);
  }
  if (expected.contains("n_logprobs")) {
    EXPECT_EQ(request.n_logprobs, expected["n_logprobs"]);
  }
  expect_warnings(expected.value("warnings", Json::array()), request);
}

TEST(OpenAiResponsesRequest, EachIsUnderstoodOrRefusedAsWrittenDown) {
  const auto dialect = make_openai_responses(std::string());
  int n_cases = 0;
  for (const Json& test : read_cases()) {
    SCOPED_TRACE(test["name"].get<std::string>());
    ++n_cases;
    const auto request = parse_with(*dialect, test["body"].dump());
    if (test.contains("error")) {
      ASSERT_FALSE(request.has_value());
      EXPECT_EQ(http_status(request.error().kind), test["error"]["status"]);
      EXPECT_EQ(request.error().param, test["error"]["param"].get<std::string>());
      EXPECT_THAT(request.error().message, HasSubstr(test["error"]["says"].get<std::string>()));
    } else {
      ASSERT_TRUE(request.has_value()) << request.error().message;
      expect_request(test["request"], *request);
    }
  }
  EXPECT_GT(n_cases, 30);
}

TEST(OpenAiResponsesRequest, BytesThatAreNoRequestAreAnError) {
  const auto dialect = make_openai_responses(std::string());
  for (const char* const body :
       {"", "{", "[]", "null", "\"text\"", "{\"input\":\"\xff\"}", "\x00"}) {
    const auto request = parse_with(*dialect, body);
    ASSERT_FALSE(request.has_value()) << body;
    const Json error = Json::parse(dialect->error_body(request.error()));
    EXPECT_EQ(error["error"]["type"], "invalid_request_error");
    EXPECT_FALSE(error["error"]["message"].get<std::string>().empty());
  }
}

TEST(OpenAiResponsesRequest, EveryPrefixOfARequestIsAnErrorAndNoneACrash) {
  const auto dialect = make_openai_responses(std::string());
  for (const Json& test : read_cases()) {
    const std::string body = test["body"].dump();
    for (std::size_t size = 0; size < body.size(); size += 1 + body.size() / 50) {
      EXPECT_FALSE(parse_with(*dialect, body.substr(0, size)).has_value());
    }
  }
}

}  // namespace
}  // namespace jevons
