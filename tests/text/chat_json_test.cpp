#include "text/chat_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Message only_message(std::string_view message_json) {
  const auto request = parse_chat_request(fmt::format(R"({{"messages": [{}]}})", message_json));
  EXPECT_TRUE(request) << request.error().message;
  return request ? request->messages.at(0) : Message();
}

std::string error_of(std::string_view request_json) {
  const auto request = parse_chat_request(request_json);
  return request ? "no error" : request.error().message;
}

TEST(ChatJson, ContentIsNullStringOrParts) {
  EXPECT_EQ(only_message(R"({"role": "user"})").content, Content());
  EXPECT_EQ(only_message(R"({"role": "user", "content": null})").content, Content());
  EXPECT_EQ(only_message(R"({"role": "user", "content": "a"})").content, Content("a"));
  EXPECT_EQ(only_message(R"({"role": "user", "content":
      ["a", {"type": "text", "text": "b"}, {"type": "input_text", "text": "c"}]})")
                .content,
            Content(std::vector<std::string>{"a", "b", "c"}));
}

TEST(ChatJson, PartsWithoutTextAreNamed) {
  const auto request = parse_chat_request(R"({"messages": [
      {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
      {"role": "tool", "content": [{"type": "image"}, {"output": "o"}]}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->messages[0].content, Content(std::vector<std::string>{""}));
  EXPECT_EQ(request->messages[1].content, Content(std::vector<std::string>{"o"}));
  EXPECT_THAT(request->warnings,
              ElementsAre(HasSubstr("messages[0].content[0]: a part of type \"image_url\""),
                          HasSubstr("messages[1].content[0]: a part of type \"image\"")));
}

TEST(ChatJson, LaterSystemMessagesAreKeptAndNamed) {
  const auto request = parse_chat_request(R"({"messages": [{"role": "developer", "content": "a"},
      {"role": "user", "content": "b"}, {"role": "system", "content": "c"}]})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->messages[0].role, Role::kSystem);
  EXPECT_EQ(request->messages[2].role, Role::kSystem);
  EXPECT_THAT(request->warnings, ElementsAre(HasSubstr("messages[2]: a system message that")));
}

TEST(ChatJson, ReasoningIsAbsentEmptyOrText) {
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning_content": null})").reasoning,
            std::nullopt);
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning_content": ""})").reasoning, "");
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning": "r"})").reasoning, "r");
}

TEST(ChatJson, ReasoningDetailsAreReasoning) {
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning_details": [
      {"type": "reasoning.text", "text": "a"}, {"type": "reasoning.encrypted", "data": "x"},
      {"type": "reasoning.text", "text": "b"}]})")
                .reasoning,
            "ab");
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning_details": []})").reasoning,
            std::nullopt);
  EXPECT_EQ(only_message(R"({"role": "assistant", "reasoning_content": "r",
      "reasoning_details": [{"text": "other"}]})")
                .reasoning,
            "r");
}

TEST(ChatJson, RefusalsAreText) {
  EXPECT_EQ(only_message(R"({"role": "assistant", "refusal": "no"})").content, Content("no"));
  EXPECT_EQ(only_message(R"({"role": "assistant", "content": "a", "refusal": "no"})").content,
            Content("a"));
  EXPECT_EQ(only_message(R"({"role": "assistant", "content": [{"type": "refusal",
      "refusal": "no"}]})")
                .content,
            Content(std::vector<std::string>{"no"}));
}

TEST(ChatJson, OlderFunctionsAreTools) {
  const auto request = parse_chat_request(R"({"functions": [{"name": "f", "parameters": {}}],
      "messages": [{"role": "assistant", "content": null,
                    "function_call": {"name": "f", "arguments": "{\"a\": 1}"}},
                   {"role": "function", "name": "f", "content": "2"}]})");
  ASSERT_TRUE(request);
  ASSERT_EQ(request->tools.size(), 1U);
  EXPECT_EQ(request->tools[0].function_json, R"({"name": "f", "parameters": {}})");
  EXPECT_THAT(request->messages[0].tool_calls, ElementsAre(ToolCall{"", "f", R"({"a": 1})"}));
  EXPECT_EQ(request->messages[1].role, Role::kTool);
  EXPECT_THAT(parse_chat_request(R"({"messages": [], "functions": [{}]})").error().message,
              HasSubstr("functions[0].name: missing"));
}

TEST(ChatJson, CustomCallsHaveOneArgument) {
  EXPECT_THAT(only_message(R"({"role": "assistant", "tool_calls": [
      {"id": "1", "type": "custom", "custom": {"name": "patch", "input": "a\nb"}}]})")
                  .tool_calls,
              ElementsAre(ToolCall{"1", "patch", R"({"input": "a\nb"})"}));
}

TEST(ChatJson, PlaceholdersStandForWhatCannotBeRead) {
  const auto root = parse_json(R"({"messages": [
      {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]},
      {"role": "tool", "content": [{"type": "image"}]}]})");
  const auto request = read_chat_request(*root, {.placeholders = true});
  ASSERT_TRUE(request);
  EXPECT_EQ(request->messages[0].content,
            Content(std::vector<std::string>{"a", "[image_url left out: text only]"}));
  EXPECT_EQ(request->messages[1].content,
            Content(std::vector<std::string>{"[image left out: text only]"}));
  EXPECT_EQ(request->warnings.size(), 2U);
}

TEST(ChatJson, ToolCallsInEveryShape) {
  const Message message = only_message(R"({"role": "assistant", "tool_calls": [
      {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1e5}"}},
      {"id": "2", "function": {"name": "f", "arguments": {"b": 1e5, "a": 12345678901234567890123}}},
      {"name": "g", "arguments": ""}, {"name": "g", "arguments": null}, {"name": "g"}]})");
  EXPECT_THAT(
      message.tool_calls,
      ElementsAre(ToolCall{"1", "f", "{\"a\":1e5}"},
                  ToolCall{"2", "f", R"({"b": 100000.0, "a": 12345678901234567890123})"},
                  ToolCall{"", "g", "{}"}, ToolCall{"", "g", "{}"}, ToolCall{"", "g", "{}"}));
}

TEST(ChatJson, ToolsKeepTheirWholeFunctionObject) {
  const auto tools = parse_tools(R"([
      {"type": "function", "function": {"strict": true, "name": "f", "description": "d",
                                        "parameters": {"b": 1, "a": 2.50}}},
      {"type": "function", "name": "g", "parameters": null}, {"type": "web_search"}])");
  ASSERT_TRUE(tools) << tools.error().message;
  EXPECT_THAT(*tools,
              ElementsAre(ToolDefinition{"f", "d", R"({"b": 1, "a": 2.5})",
                                         R"({"strict": true, "name": "f", )"
                                         R"("description": "d", )"
                                         R"("parameters": {"b": 1, "a": 2.5}})"},
                          ToolDefinition{"g", "", "", R"({"name": "g", "parameters": null})"}));
  const auto request = parse_chat_request(R"({"messages": [], "tools": [{"type": "web_search"}]})");
  ASSERT_TRUE(request);
  EXPECT_THAT(request->warnings,
              ElementsAre("tools[0]: a tool of type \"web_search\" is left out"));
}

TEST(ChatJson, ErrorsNameThePath) {
  const auto message = [](std::string_view json) {
    return error_of(fmt::format(R"({{"messages": [{{"role": "user"}}, {}]}})", json));
  };
  const auto call = [&](std::string_view json) {
    return message(fmt::format(R"({{"role": "assistant", "tool_calls": [{}]}})", json));
  };
  EXPECT_THAT(error_of("[1"), HasSubstr("not valid JSON at byte"));
  EXPECT_EQ(error_of("[]"), "the request: is a list, expected an object");
  EXPECT_EQ(error_of("{}"), "messages: missing, expected a list of messages");
  EXPECT_EQ(error_of(R"({"messages": {}})"), "messages: is an object, expected a list of messages");
  EXPECT_EQ(message("7"), "messages[1]: is a number, expected an object");
  EXPECT_EQ(message("{}"), "messages[1].role: missing");
  EXPECT_EQ(message(R"({"role": "robot"})"),
            "messages[1].role: is \"robot\", expected system, user, assistant or tool");
  EXPECT_EQ(message(R"({"role": "user", "content": {}})"),
            "messages[1].content: is an object, expected a string, a list of parts or null");
  EXPECT_EQ(message(R"({"role": "user", "content": [{"type": "text"}]})"),
            "messages[1].content[0].text: missing");
  EXPECT_EQ(message(R"({"role": "assistant", "reasoning_content": 1})"),
            "messages[1].reasoning_content: is a number, expected a string");
  EXPECT_EQ(call(R"({"function": {"arguments": {}}})"),
            "messages[1].tool_calls[0].function.name: missing or empty");
  EXPECT_EQ(call(R"({"function": {"name": "f", "arguments": 1}})"),
            "messages[1].tool_calls[0].function.arguments: is a number, expected an object or a "
            "string that contains one");
  EXPECT_EQ(call(R"({"function": {"name": "f", "arguments": "[]"}})"),
            "messages[1].tool_calls[0].function.arguments: is a list, expected a string that "
            "contains an object");
  EXPECT_THAT(call(R"({"function": {"name": "f", "arguments": "{"}})"),
              HasSubstr("messages[1].tool_calls[0].function.arguments: not valid JSON at byte 2"));
  EXPECT_EQ(error_of(R"({"messages": [], "tools": {}})"),
            "tools: is an object, expected a list of tools");
  EXPECT_EQ(error_of(R"({"messages": [], "tools": [{"function": {}}]})"),
            "tools[0].function.name: missing or empty");
}

TEST(ChatJson, MessagesSurviveTheRoundTrip) {
  std::vector<Message> messages(5);
  messages[0] = {
      .role = Role::kSystem, .content = "s\"\n", .current_date = "d", .current_location = ""};
  messages[1] = {.role = Role::kUser, .content = Content(std::vector<std::string>{"a", "\x01"})};
  messages[2] = {.role = Role::kAssistant,
                 .content = "",
                 .reasoning = "r",
                 .tool_calls = {{"1", "f", "{\"a\": \"\\u0001\"}"}, {"2", "g", "{}"}}};
  messages[3] = {.role = Role::kTool, .content = "x", .tool_call_id = "1"};
  messages[4] = {.role = Role::kAssistant, .content = "\U0001F600"};
  const std::string json = messages_to_json(messages);
  const auto request = parse_chat_request("{\"messages\": " + json + "}");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->messages, messages);
}

}  // namespace
}  // namespace jevons
