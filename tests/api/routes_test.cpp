#include "api/routes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/scripted_answers.h"
#include "api/server_pages.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Routes, EveryLineIsFoundByItsOwnPath) {
  for (const Route& route : route_table()) {
    std::string path = route.path;
    if (const auto at = path.find("{id}"); at != std::string::npos) path.replace(at, 4, "some-id");
    if (path.ends_with('*')) path.replace(path.size() - 1, 1, "x");
    const std::string method = route.method == std::string("*") ? "POST" : route.method;
    const Route* found = find_route(method, path);
    ASSERT_NE(found, nullptr) << path;
    // A wider line before it may win, with the same answer.
    EXPECT_EQ(found->action, route.action) << path;
    EXPECT_STRNE(route.help, "");
  }
}

TEST(Routes, TellAWrongMethodFromAnUnknownPath) {
  EXPECT_EQ(find_route("GET", "/v1/chat/completions"), nullptr);
  EXPECT_EQ(allowed_methods("/v1/chat/completions"), "POST, OPTIONS");
  EXPECT_EQ(allowed_methods("/health"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(find_route("GET", "/nothing"), nullptr);
  EXPECT_EQ(allowed_methods("/nothing"), "");
  EXPECT_EQ(allowed_methods("/v1/models/"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(find_route("HEAD", "/")->action, RouteAction::kIndex);
}

TEST(Routes, ReadTheIdOfAPath) {
  const Route* route = find_route("GET", "/v1/models/a-model.1");
  ASSERT_NE(route, nullptr);
  EXPECT_EQ(route->action, RouteAction::kModel);
  EXPECT_EQ(route_id(*route, "/v1/models/a-model.1"), "a-model.1");
  EXPECT_EQ(find_route("GET", "/v1/models/a/b"), nullptr);
}

TEST(Routes, ErrorsHaveTheShapeOfTheirFamily) {
  EXPECT_EQ(dialect_of_path("/v1/messages"), DialectName::kAnthropic);
  EXPECT_EQ(dialect_of_path("/v1/messages/unknown"), DialectName::kAnthropic);
  EXPECT_EQ(dialect_of_path("/v1/messages/batches/x"), DialectName::kAnthropic);
  EXPECT_EQ(dialect_of_path("/v1/responses/x"), DialectName::kOpenAiResponses);
  EXPECT_EQ(dialect_of_path("/else"), DialectName::kOpenAiChat);
}

TEST(ServerPages, ListEveryRouteButTheAbsent) {
  const std::string page = index_page();
  EXPECT_THAT(page, HasSubstr("/v1/messages/count_tokens"));
  EXPECT_THAT(page, HasSubstr("/metrics"));
  EXPECT_THAT(page, Not(HasSubstr("embeddings")));
}

TEST(ServerPages, ModelIdsFitAnywhere) {
  EXPECT_EQ(model_id_of("MiniMax-M2.5"), "MiniMax-M2.5");
  EXPECT_EQ(model_id_of("Nano of Jevons / q4"), "Nano-of-Jevons-q4");
  EXPECT_EQ(model_id_of("  "), "model");
  EXPECT_EQ(model_id_of("\xc3\xa4 b"), "b");
}

TEST(ServerPages, HealthHasWords) {
  ServerHealth health;
  EXPECT_EQ(health.word(), "loading");
  EXPECT_FALSE(health.is_ready());
  EXPECT_FALSE(health.is_stalled());
  health.engine.emplace();
  health.stall_seconds = 10;
  EXPECT_EQ(health.word(), "ok");
  EXPECT_TRUE(health.is_ready());
  health.engine->seconds_since_progress = 11;  // idle: nothing is wrong
  EXPECT_EQ(health.word(), "ok");
  health.engine->has_work = true;
  EXPECT_EQ(health.word(), "stalled");
  EXPECT_FALSE(health.is_ready());
  health.is_stopping = true;
  EXPECT_EQ(health.word(), "stopping");
}

TEST(ScriptedAnswers, AreChosenByTheLastMessage) {
  const auto script = ScriptedAnswers::parse(
      R"([{"match": "weather", "answer": "call"}, {"match": "", "answer": "else"}])", "x.json");
  ASSERT_TRUE(script);
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "the weather?"},
                      {.role = Role::kAssistant, .content = "weather"}};
  EXPECT_EQ(*script->find(request), "call");
  request.messages.push_back({.role = Role::kTool, .content = "rain"});
  EXPECT_EQ(*script->find(request), "else");
  EXPECT_EQ(ScriptedAnswers().find(request), nullptr);
  for (const char* bad :
       {"", "{}", "[1]", R"([{"match": "a"}])", R"([{"match": 1, "answer": ""}])"}) {
    const auto refused = ScriptedAnswers::parse(bad, "x.json");
    ASSERT_FALSE(refused) << bad;
    EXPECT_THAT(refused.error().message, HasSubstr("x.json"));
  }
}

}  // namespace
}  // namespace jevons
