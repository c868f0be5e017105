#include "api/openai_errors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jevons {
namespace {

TEST(OpenAiErrors, EveryKindHasTheFourMembers) {
  for (int kind = 0; kind <= static_cast<int>(ApiErrorKind::kInternal); ++kind) {
    const auto body = nlohmann::json::parse(openai_error_body(
        {.kind = static_cast<ApiErrorKind>(kind), .message = "m \"quoted\"\n", .param = "p"}));
    ASSERT_EQ(body.size(), 1U);
    const auto& error = body.at("error");
    EXPECT_EQ(error.size(), 4U);
    EXPECT_EQ(error.at("message"), "m \"quoted\"\n");
    EXPECT_EQ(error.at("param"), "p");
    EXPECT_FALSE(error.at("type").get<std::string>().empty());
    EXPECT_EQ(error.at("code").is_null(), kind == 0);
  }
}

TEST(OpenAiErrors, AnOverflowSaysWhatAgentsLookFor) {
  const auto body = nlohmann::json::parse(openai_error_body({.kind = ApiErrorKind::kContextOverflow,
                                                             .message = "ours",
                                                             .n_prompt_tokens = 40000,
                                                             .context_length = 32768}));
  EXPECT_EQ(body["error"]["code"], "context_length_exceeded");
  EXPECT_EQ(body["error"]["message"],
            "This model's maximum context length is 32768 tokens. However, your messages resulted "
            "in 40000 tokens. Please reduce the length of the messages.");
}

TEST(OpenAiErrors, TheFieldIsTakenFromTheMessage) {
  EXPECT_EQ(request_error({"messages[3].content: is a number"}).param, "messages[3].content");
  EXPECT_EQ(request_error({"messages[3] is a tool result, but"}).param, "messages[3]");
  EXPECT_EQ(request_error({"not valid JSON at byte 3: x"}).param, "");
  EXPECT_EQ(request_error({""}).param, "");
  EXPECT_EQ(request_error({"word"}).param, "");
}

}  // namespace
}  // namespace jevons
