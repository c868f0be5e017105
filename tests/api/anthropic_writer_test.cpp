#include "api/anthropic_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "api/dialect.h"
#include "tests/api/random_answer.h"
#include "text/json_value.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

struct StreamEvent {
  std::string name;
  Json data;
};

/// A stream's events, as the SDK reads them: fields by line, an event at an empty line.
std::vector<StreamEvent> read_events(std::string_view bytes) {
  std::vector<StreamEvent> events;
  std::string name, data;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    EXPECT_NE(end, std::string_view::npos) << "a line that does not end";
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(std::min(bytes.size(), end + 1));
    if (line.empty()) {
      events.push_back({name, Json::parse(data)});
      name = data = "";
    } else if (line.starts_with("event: ")) {
      name = line.substr(7);
    } else if (line.starts_with("data: ")) {
      data += line.substr(6);
    } else {
      ADD_FAILURE() << "a line that is neither event nor data: " << line;
    }
  }
  EXPECT_TRUE(name.empty() && data.empty());
  return events;
}

/// The message that the SDK's MessageStream makes of a stream, as its source does it, and what it
/// takes for granted about the order.
class Fold {
 public:
  explicit Fold(const std::vector<StreamEvent>& events) {
    for (const StreamEvent& event : events) {
      EXPECT_EQ(event.name, event.data.at("type").get<std::string>());
      take(event.data);
    }
    EXPECT_TRUE(stopped_);
  }
  const Json& message() const { return message_; }

 private:
  void take(const Json& data) {
    const std::string type = data.at("type");
    EXPECT_FALSE(stopped_);
    if (type == "ping") return;
    if (type == "message_start") {
      EXPECT_TRUE(message_.is_null());
      message_ = data.at("message");
    } else if (type == "content_block_start") {
      EXPECT_EQ(open_, -1);
      open_ = data.at("index");
      EXPECT_EQ(open_, static_cast<int>(message_["content"].size()));
      message_["content"].push_back(data.at("content_block"));
      input_.clear();
    } else if (type == "content_block_delta") {
      EXPECT_EQ(data.at("index"), open_);
      take_delta(message_["content"].at(static_cast<std::size_t>(open_)), data.at("delta"));
    } else if (type == "content_block_stop") {
      EXPECT_EQ(data.at("index"), open_);
      if (!input_.empty()) message_["content"].back()["input"] = Json::parse(input_);
      open_ = -1;
    } else if (type == "message_delta") {
      EXPECT_EQ(open_, -1);
      message_.update(data.at("delta"));
      message_["usage"].update(data.at("usage"));
    } else {
      EXPECT_EQ(type, "message_stop");
      stopped_ = true;
    }
  }

  void take_delta(Json& block, const Json& delta) {
    const std::string type = delta.at("type");
    const auto append = [&block, &delta](const char* key) {
      block.at(key) = block.at(key).get<std::string>() + delta.at(key).get<std::string>();
    };
    if (type == "text_delta") {
      EXPECT_EQ(block.at("type"), "text");
      EXPECT_NE(delta.at("text"), "");
      append("text");
    } else if (type == "thinking_delta") {
      EXPECT_EQ(block.at("type"), "thinking");
      append("thinking");
    } else if (type == "signature_delta") {
      EXPECT_EQ(block.at("type"), "thinking");
      block.at("signature") = delta.at("signature");
    } else {
      EXPECT_EQ(type, "input_json_delta");
      EXPECT_EQ(block.at("type"), "tool_use");
      input_ += delta.at("partial_json").get<std::string>();
    }
  }

  Json message_;
  int open_ = -1;
  std::string input_;
  bool stopped_ = false;
};

std::string answer_bytes(const RandomAnswer& answer, bool stream, bool shown = true) {
  GenerationRequest request;
  request.model = "m2.5";
  request.stream = stream;
  request.thinking.shown = shown;
  const ResponseContext context{
      .id = "abcdefghijklmnopqrstuvwx", .created = 0, .model_id = "nano", .key_name = {}};
  return write_answer(*make_anthropic_messages()->writer(request, context), answer);
}

Json sorted(const Json& json) { return Json::parse(nlohmann::json(json).dump()); }

TEST(AnthropicWriter, FoldedStreamIsTheBody) {
  for (std::uint32_t seed = 1; seed <= 600; ++seed) {
    AnswerMaker maker(seed);
    const RandomAnswer answer = maker.answer();
    const bool shown = seed % 3 != 0;
    const Json body = Json::parse(answer_bytes(answer, false, shown));
    const Fold whole(read_events(answer_bytes(answer, true, shown)));
    ASSERT_EQ(sorted(whole.message()), sorted(body)) << "seed " << seed;
    const RandomAnswer pieces = maker.cut(answer);
    const Fold cut(read_events(answer_bytes(pieces, true, shown)));
    ASSERT_EQ(sorted(cut.message()), sorted(body)) << "seed " << seed;
    ASSERT_EQ(answer_bytes(pieces, false, shown), answer_bytes(answer, false, shown));
  }
}

TEST(AnthropicWriter, NoBlockIsBlankAndNothingSaidIsLost) {
  for (std::uint32_t seed = 1; seed <= 500; ++seed) {
    const RandomAnswer answer = AnswerMaker(seed).answer();
    std::string said, delivered;
    for (const OutputEvent& event : answer.events) {
      if (const auto* const text = std::get_if<TextDelta>(&event)) said += text->text;
    }
    const Json body = Json::parse(answer_bytes(answer, false));
    for (const Json& block : body.at("content")) {
      if (block["type"] != "text") continue;
      const std::string text = block["text"];
      EXPECT_NE(text.find_first_not_of(" \t\r\n"), std::string::npos);
      delivered += text;
    }
    const auto without_space = [](std::string text) {
      std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
      return text;
    };
    ASSERT_EQ(without_space(delivered), without_space(said)) << "seed " << seed;
  }
}

TEST(AnthropicWriter, CountsOfTheInputAddUpToThePrompt) {
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    const RandomAnswer answer = AnswerMaker(seed).answer();
    for (const StreamEvent& event : read_events(answer_bytes(answer, true))) {
      const Json usage = event.name == "message_start"   ? event.data["message"]["usage"]
                         : event.name == "message_delta" ? event.data["usage"]
                                                         : Json();
      if (usage.is_null()) continue;
      EXPECT_EQ(usage["input_tokens"].get<int>() + usage["cache_read_input_tokens"].get<int>() +
                    usage["cache_creation_input_tokens"].get<int>(),
                answer.started.n_prompt_tokens);
      EXPECT_EQ(usage["cache_read_input_tokens"], answer.started.n_cached_tokens);
    }
  }
}

/// Thinking that is kept from the client comes back to us in the signature.
TEST(AnthropicWriter, KeptThinkingReturnsInTheSignature) {
  RandomAnswer answer;
  answer.events = {ReasoningDelta{"The user \"asks\" "}, ReasoningDelta{"\u4e2d\n"},
                   TextDelta{"Yes."}};
  const Json body = Json::parse(answer_bytes(answer, false, false));
  ASSERT_EQ(body["content"].size(), 2U);
  EXPECT_EQ(body["content"][0]["thinking"], "");
  const Json next = {{"max_tokens", 8},
                     {"messages",
                      {{{"role", "user"}, {"content", "?"}},
                       {{"role", "assistant"}, {"content", body["content"]}},
                       {{"role", "user"}, {"content", "!"}}}}};
  const std::string text = next.dump();
  const auto request =
      make_anthropic_messages()->parse({.body = text, .target = "/v1/messages", .key_name = {}});
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(std::get<ChatRequest>(request->input).messages[1].reasoning,
            "The user \"asks\" \u4e2d\n");
}

TEST(AnthropicWriter, StopReasonsAreToldApart) {
  const auto stop_of = [](StopReason reason, bool calls) {
    RandomAnswer answer;
    answer.end = {
        .choice = 0, .reason = reason, .stop_string = "END", .has_tool_calls = calls, .usage = {}};
    const Json body = Json::parse(answer_bytes(answer, false));
    return body["stop_reason"].get<std::string>() + " " + body["stop_sequence"].dump();
  };
  EXPECT_EQ(stop_of(StopReason::kEndOfTurn, false), "end_turn null");
  EXPECT_EQ(stop_of(StopReason::kEndOfTurn, true), "tool_use null");
  EXPECT_EQ(stop_of(StopReason::kStopString, false), "stop_sequence \"END\"");
  EXPECT_EQ(stop_of(StopReason::kMaxTokens, true), "max_tokens null");
  EXPECT_EQ(stop_of(StopReason::kContextFull, false), "model_context_window_exceeded null");
}

TEST(AnthropicWriter, PromptOnlyAnswersNothing) {
  GenerationRequest request;
  request.prompt_only = true;
  const auto writer = make_anthropic_messages()->writer(
      request, {.id = "x", .created = 0, .model_id = "nano", .key_name = {}});
  RandomAnswer answer;
  answer.started.n_prompt_tokens = answer.finished.usage.prompt_tokens = 130;
  answer.finished.usage.written_tokens = 128;
  answer.finished.usage.answer_tokens = 1;
  answer.events = {TextDelta{"Hi"}};
  const Json body = Json::parse(write_answer(*writer, answer));
  EXPECT_EQ(body["content"], Json::array());
  EXPECT_EQ(body["stop_reason"], "max_tokens");
  EXPECT_EQ(body["usage"]["output_tokens"], 0);
  EXPECT_EQ(body["usage"]["cache_creation_input_tokens"], 128);
  EXPECT_EQ(body["model"], "nano");
}

TEST(AnthropicWriter, ErrorsAreTheApis) {
  const auto dialect = make_anthropic_messages();
  const auto type_of = [&dialect](ApiErrorKind kind) {
    const Json body = Json::parse(dialect->error_body({.kind = kind, .message = "why"}));
    EXPECT_EQ(body["type"], "error");
    EXPECT_EQ(body["error"]["message"], "why");
    EXPECT_TRUE(body["request_id"].is_null());
    return body["error"]["type"].get<std::string>();
  };
  EXPECT_EQ(type_of(ApiErrorKind::kInvalidRequest), "invalid_request_error");
  EXPECT_EQ(type_of(ApiErrorKind::kAuthentication), "authentication_error");
  EXPECT_EQ(type_of(ApiErrorKind::kPermission), "permission_error");
  EXPECT_EQ(type_of(ApiErrorKind::kNotFound), "not_found_error");
  EXPECT_EQ(type_of(ApiErrorKind::kTooLarge), "request_too_large");
  EXPECT_EQ(type_of(ApiErrorKind::kRateLimit), "rate_limit_error");
  EXPECT_EQ(type_of(ApiErrorKind::kOverloaded), "overloaded_error");
  EXPECT_EQ(type_of(ApiErrorKind::kDeadline), "timeout_error");
  EXPECT_EQ(type_of(ApiErrorKind::kInternal), "api_error");
  ApiError overflow{.kind = ApiErrorKind::kContextOverflow, .message = "too long"};
  overflow.n_prompt_tokens = 40000;
  overflow.context_length = 32768;
  overflow.request_id = "req_1";
  EXPECT_EQ(
      dialect->error_body(overflow),
      R"({"type":"error","error":{"type":"invalid_request_error",)"
      R"("message":"prompt is too long: 40000 tokens > 32768 maximum"},"request_id":"req_1"})");
}

}  // namespace
}  // namespace jevons
