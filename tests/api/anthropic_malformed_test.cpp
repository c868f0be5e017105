// Requests that are wrong: each is refused with the field's path, whatever is wrong with it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "api/dialect.h"
#include "tests/api/golden_file.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

std::expected<GenerationRequest, ApiError> parse(std::string_view body) {
  return make_anthropic_messages()->parse({.body = body, .target = "/v1/messages", .key_name = {}});
}

struct Wrong {
  const char* body;
  const char* param;
};
constexpr Wrong kWrong[] = {
    {"", ""},
    {"nonsense", ""},
    {"[]", ""},
    {"{", ""},
    {"{\"messages\": [{\"role\": \"user\", \"content\": \"\xff\"}]}", ""},
    {R"({})", "max_tokens"},
    {R"({"max_tokens": -1})", "max_tokens"},
    {R"({"max_tokens": 1.5})", "max_tokens"},
    {R"({"max_tokens": 99999999999})", "max_tokens"},
    {R"({"max_tokens": "8"})", "max_tokens"},
    {R"({"max_tokens": 8})", "messages"},
    {R"({"max_tokens": 8, "messages": {}})", "messages"},
    {R"({"max_tokens": 8, "messages": []})", "messages"},
    {R"({"max_tokens": 8, "messages": ["hi"]})", "messages[0]"},
    {R"({"max_tokens": 8, "messages": [{}]})", "messages[0].role"},
    {R"({"max_tokens": 8, "messages": [{"role": 3}]})", "messages[0].role"},
    {R"({"max_tokens": 8, "messages": [{"role": "tool", "content": ""}]})", "messages[0].role"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": 7}]})", "messages[0].content"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [7]}]})",
     "messages[0].content[0]"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [{}]}]})",
     "messages[0].content[0].type"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [{"type": "text"}]}]})",
     "messages[0].content[0].text"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [{"type": "document"}]}]})",
     "messages[0].content[0].source"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}}]}]})",
     "messages[0].content[0]"},
    {R"({"max_tokens": 8, "messages": [{"role": "assistant", "content": [
        {"type": "tool_result", "tool_use_id": "a"}]}]})",
     "messages[0].content[0]"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a"}]}]})",
     "messages[0].content[0]"},
    {R"({"max_tokens": 8, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "b"}]}]})",
     "messages[1].content[0].tool_use_id"},
    {R"({"max_tokens": 8, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"},
          {"type": "tool_result", "tool_use_id": "a"}]}]})",
     "messages[1].content[1].tool_use_id"},
    {R"({"max_tokens": 8, "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f",
          "input": "{}"}]}, {"role": "user", "content": "x"}]})",
     "messages[0].content[0].input"},
    {R"({"max_tokens": 8, "messages": [{"role": "user", "content": "2+2="},
        {"role": "assistant", "content": "4"}]})",
     "messages[1]"},
    {R"({"max_tokens": 8, "system": 4, "messages": [{"role": "user"}]})", "system"},
    {R"({"max_tokens": 8, "system": [{"type": "text"}], "messages": [{"role": "user"}]})",
     "system[0].text"},
    {R"({"max_tokens": 8, "tools": {}, "messages": [{"role": "user"}]})", "tools"},
    {R"({"max_tokens": 8, "tools": [{}], "messages": [{"role": "user"}]})", "tools[0].name"},
    {R"({"max_tokens": 8, "tools": [{"name": ""}], "messages": [{"role": "user"}]})",
     "tools[0].name"},
    {R"({"max_tokens": 8, "tools": [{"name": "a\nb"}], "messages": [{"role": "user"}]})",
     "tools[0].name"},
    {R"({"max_tokens": 8, "tools": [{"name": "f"}], "messages": [{"role": "user"}]})",
     "tools[0].input_schema"},
    {R"({"max_tokens": 8, "tools": [{"name": "f", "input_schema": []}],
        "messages": [{"role": "user"}]})",
     "tools[0].input_schema"},
    {R"({"max_tokens": 8, "tools": [{"name": "f", "input_schema": {}},
        {"name": "f", "input_schema": {}}], "messages": [{"role": "user"}]})",
     "tools[1].name"},
    {R"({"max_tokens": 8, "tool_choice": "auto", "messages": [{"role": "user"}]})", "tool_choice"},
    {R"({"max_tokens": 8, "tool_choice": {"type": "all"}, "messages": [{"role": "user"}]})",
     "tool_choice.type"},
    {R"({"max_tokens": 8, "tool_choice": {"type": "any"}, "messages": [{"role": "user"}]})",
     "tool_choice"},
    {R"({"max_tokens": 8, "tool_choice": {"type": "tool", "name": "g"},
        "tools": [{"name": "f", "input_schema": {}}], "messages": [{"role": "user"}]})",
     "tool_choice.name"},
    {R"({"max_tokens": 8, "stop_sequences": "x", "messages": [{"role": "user"}]})",
     "stop_sequences"},
    {R"({"max_tokens": 8, "stop_sequences": ["a", ""], "messages": [{"role": "user"}]})",
     "stop_sequences[1]"},
    {R"({"max_tokens": 8, "temperature": 3, "messages": [{"role": "user"}]})", "temperature"},
    {R"({"max_tokens": 8, "top_p": -0.1, "messages": [{"role": "user"}]})", "top_p"},
    {R"({"max_tokens": 8, "top_k": -1, "messages": [{"role": "user"}]})", "top_k"},
    {R"({"max_tokens": 8, "thinking": true, "messages": [{"role": "user"}]})", "thinking"},
    {R"({"max_tokens": 8, "thinking": {"type": "deep"}, "messages": [{"role": "user"}]})",
     "thinking.type"},
    {R"({"max_tokens": 8, "thinking": {"type": "enabled", "budget_tokens": 0},
        "messages": [{"role": "user"}]})",
     "thinking.budget_tokens"},
    {R"({"max_tokens": 8, "output_config": {"format": {"type": "xml"}},
        "messages": [{"role": "user"}]})",
     "output_config.format.type"},
    {R"({"max_tokens": 8, "output_format": {"type": "json_schema"},
        "messages": [{"role": "user"}]})",
     "output_format.schema"},
    {R"({"max_tokens": 8, "stream": "yes", "messages": [{"role": "user"}]})", "stream"},
    {R"({"max_tokens": 8, "container": "c", "messages": [{"role": "user"}]})", "container"},
    {R"({"max_tokens": 8, "thread": {"type": "create"}, "messages": [{"role": "user"}]})",
     "thread"},
    {R"({"max_tokens": 8, "compaction": {"type": "summarize"}, "messages": [{"role": "user"}]})",
     "compaction"},
    {R"({"max_tokens": 8, "mcp_servers": [{"type": "url"}], "messages": [{"role": "user"}]})",
     "mcp_servers"},
};

TEST(AnthropicMalformed, IsRefusedWithThePath) {
  for (const Wrong& wrong : kWrong) {
    const auto request = parse(wrong.body);
    ASSERT_FALSE(request) << wrong.body;
    EXPECT_EQ(request.error().param, wrong.param) << wrong.body;
    EXPECT_TRUE(request.error().message.starts_with(wrong.param)) << request.error().message;
    EXPECT_EQ(http_status(request.error().kind), 400);
  }
}

TEST(AnthropicMalformed, ThreadsAreRefusedInTheWayThatSdksRecoverFrom) {
  const auto request = parse(R"({"max_tokens": 8, "thread": {"type": "create"}, "messages": []})");
  ASSERT_FALSE(request);
  const Json body = Json::parse(make_anthropic_messages()->error_body(request.error()));
  EXPECT_EQ(body["error"]["details"]["error_code"], "thread_unsupported_request");
}

/// Every place of `json` that is not the root, as a pointer.
void add_places(const Json& json, const Json::json_pointer& here,
                std::vector<Json::json_pointer>& places) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      places.push_back(here / key);
      add_places(value, here / key, places);
    }
  } else if (json.is_array()) {
    for (std::size_t i = 0; i < json.size(); ++i) {
      places.push_back(here / i);
      add_places(json[i], here / i, places);
    }
  }
}

/// Any value in the place of any other: accepted, or refused by an error object that names a
/// field of the request.
TEST(AnthropicMalformed, AnyValueInAnyPlaceIsAcceptedOrRefused) {
  const Json kValues[] = {
      nullptr, true, -1, 1e300, "x", Json::array(), Json::object(), Json::array({Json::object()})};
  int n_refused = 0;
  const auto files =
      files_of(std::filesystem::path(JEVONS_SOURCE_DIR) / "tests/data/api/anthropic", ".json");
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    const Json original = Json::parse(read_file(file));
    std::vector<Json::json_pointer> places;
    add_places(original, Json::json_pointer(), places);
    for (const Json::json_pointer& place : places) {
      for (const Json& value : kValues) {
        Json changed = original;
        changed[place] = value;
        const auto request = parse(changed.dump());
        if (request) continue;
        ++n_refused;
        EXPECT_EQ(http_status(request.error().kind), 400);
        EXPECT_FALSE(request.error().param.empty()) << changed.dump();
        EXPECT_TRUE(request.error().message.starts_with(request.error().param + ": "));
        const Json body = Json::parse(make_anthropic_messages()->error_body(request.error()));
        EXPECT_EQ(body["error"]["type"], "invalid_request_error");
      }
    }
  }
  EXPECT_GT(n_refused, 1000);
}

}  // namespace
}  // namespace jevons
