// The stream and the body of a chat completion say the same.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "api/dialect.h"
#include "openai_case.h"

namespace jevons {
namespace {

using nlohmann::json;

class AnswerEvents {
 public:
  explicit AnswerEvents(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string text() {
    static const std::vector<std::string> kParts = {"a",  "b c",    "\n",         "\"",  "\\",
                                                    "</", "\u00e9", "\U0001F600", "\x01"};
    std::string text;
    const std::size_t n = 1 + below(4);
    for (std::size_t i = 0; i < n; ++i) text += kParts[below(kParts.size())];
    return text;
  }

  std::vector<ChoiceOutput::Token> tokens() {
    std::vector<ChoiceOutput::Token> tokens;
    const std::size_t n = below(3);
    for (std::size_t i = 0; i < n; ++i) tokens.push_back({text(), -0.5F, {{text(), -0.25F}}});
    return tokens;
  }

  std::vector<ChoiceOutput> answer(int choice) {
    std::vector<ChoiceOutput> events;
    for (std::size_t i = below(4); i > 0; --i) {
      events.push_back({choice, ReasoningDelta{text()}, tokens()});
    }
    for (std::size_t i = below(4); i > 0; --i) {
      events.push_back({choice, TextDelta{text()}, tokens()});
    }
    const std::size_t n_calls = below(3);
    for (std::size_t call = 0; call < n_calls; ++call) {
      events.push_back({choice, ToolCallBegin{call, text(), text()}});
      events.push_back({choice, ToolArgumentsDelta{call, "{"}});
      for (std::size_t i = below(3); i > 0; --i) {
        events.push_back({choice, ToolArgumentsDelta{call, text()}});
      }
      events.push_back({choice, ToolArgumentsDelta{call, "}"}});
      events.push_back({choice, ToolCallEnd{call, below(8) != 0}});
      if (below(4) == 0) events.push_back({choice, TextDelta{text()}});
    }
    return events;
  }

 private:
  std::minstd_rand random_;
};

/// The answers of all choices, mixed, each in its own order.
std::vector<ChoiceOutput> mixed(AnswerEvents& make, int n_choices) {
  std::vector<std::vector<ChoiceOutput>> answers;
  for (int i = 0; i < n_choices; ++i) answers.push_back(make.answer(i));
  std::vector<ChoiceOutput> events;
  for (std::size_t left = answers.size(); left > 0;) {
    auto& answer = answers[make.below(left)];
    if (answer.empty()) {
      std::swap(answer, answers[--left]);
      continue;
    }
    events.push_back(std::move(answer.front()));
    answer.erase(answer.begin());
  }
  return events;
}

std::string write(ResponseWriter& writer, const std::vector<ChoiceOutput>& events, int n_choices) {
  std::string bytes = writer.start({.n_prompt_tokens = 9, .n_cached_tokens = 2});
  std::vector<bool> calls(static_cast<std::size_t>(n_choices));
  for (const ChoiceOutput& event : events) {
    bytes += writer.output(event);
    if (std::holds_alternative<ToolCallBegin>(event.event)) {
      calls[static_cast<std::size_t>(event.choice)] = true;
    }
  }
  for (int i = 0; i < n_choices; ++i) {
    bytes += writer.end_choice(
        {.choice = i, .has_tool_calls = calls[static_cast<std::size_t>(i)], .usage = {}});
  }
  Finished finished;
  finished.usage = {.prompt_tokens = 9, .cached_tokens = 2, .answer_tokens = 5};
  return bytes + writer.finish(finished);
}

/// The chunks of a stream, which must end with [DONE].
std::vector<json> chunks_of(std::string_view stream) {
  std::vector<json> chunks;
  bool done = false;
  while (!stream.empty()) {
    const std::size_t end = stream.find("\n\n");
    EXPECT_NE(end, std::string_view::npos);
    const std::string_view event = stream.substr(0, end);
    stream.remove_prefix(std::min(stream.size(), end + 2));
    EXPECT_FALSE(done) << "something follows [DONE]";
    EXPECT_TRUE(event.starts_with("data: ")) << event;
    EXPECT_EQ(event.find('\n'), std::string_view::npos);
    if (event == "data: [DONE]") {
      done = true;
    } else {
      chunks.push_back(json::parse(event.substr(6)));
    }
  }
  EXPECT_TRUE(done);
  return chunks;
}

void fold_text(json& message, const json& delta, const char* key) {
  if (!delta.contains(key) || delta[key].is_null()) return;
  const std::string before = message.contains(key) && message[key].is_string()
                                 ? message[key].get<std::string>()
                                 : std::string();
  message[key] = before + delta[key].get<std::string>();
}

void fold_calls(json& message, const json& delta) {
  if (!delta.contains("tool_calls")) return;
  for (const json& call : delta["tool_calls"]) {
    const std::size_t index = call.at("index");
    if (call.contains("id")) {
      EXPECT_EQ(message["tool_calls"].size(), index);
      json begun = call;
      begun.erase("index");
      message["tool_calls"].push_back(begun);
    } else {
      auto& arguments = message["tool_calls"].at(index)["function"]["arguments"];
      arguments = arguments.get<std::string>() + call["function"]["arguments"].get<std::string>();
    }
  }
}

void fold_details(json& message, const json& delta) {
  if (!delta.contains("reasoning_details")) return;
  for (const json& detail : delta["reasoning_details"]) {
    auto& details = message["reasoning_details"];
    if (details.empty()) {
      details.push_back(detail);
    } else {
      details[0]["text"] =
          details[0]["text"].get<std::string>() + detail["text"].get<std::string>();
    }
  }
}

void fold_logprobs(json& choice, const json& logprobs) {
  if (logprobs.is_null()) return;
  if (choice["logprobs"].is_null())
    choice["logprobs"] = {{"content", nullptr}, {"refusal", nullptr}};
  for (const char* key : {"content", "reasoning_content"}) {
    if (!logprobs.contains(key) || logprobs[key].is_null()) continue;
    for (const json& token : logprobs[key]) choice["logprobs"][key].push_back(token);
  }
}

/// What a client makes of the chunks: the body of the same answer.
json folded(const std::vector<json>& chunks) {
  json body = chunks.front();
  body["object"] = "chat.completion";
  body["choices"] = json::array();
  for (const json& chunk : chunks) {
    EXPECT_EQ(chunk["id"], body["id"]);
    if (chunk["choices"].empty()) body["usage"] = chunk["usage"];
    for (const json& choice : chunk["choices"]) {
      const std::size_t index = choice["index"];
      while (body["choices"].size() <= index) {
        body["choices"].push_back({{"index", body["choices"].size()}, {"logprobs", nullptr}});
      }
      json& whole = body["choices"][index];
      const json& delta = choice["delta"];
      if (delta.contains("role")) whole["message"] = delta;
      if (!delta.contains("role")) fold_text(whole["message"], delta, "content");
      fold_text(whole["message"], delta, "reasoning_content");
      fold_calls(whole["message"], delta);
      fold_details(whole["message"], delta);
      fold_logprobs(whole, choice["logprobs"]);
      whole["finish_reason"] = choice["finish_reason"];
    }
  }
  for (json& choice : body["choices"]) {
    json& message = choice["message"];
    if (message["content"] == "" && message.contains("tool_calls")) message["content"] = nullptr;
  }
  return body;
}

TEST(OpenAiChat, TheDeltasAddUpToTheBody) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    AnswerEvents make(seed);
    const int n_choices = 1 + static_cast<int>(make.below(3));
    const json body = {{"messages", {{{"role", "user"}, {"content", "hi"}}}},
                       {"n", n_choices},
                       {"logprobs", true},
                       {"reasoning_split", make.below(2) == 0},
                       {"include_reasoning", make.below(4) != 0},
                       {"stream_options", {{"include_usage", true}}}};
    const auto dialect = make_openai_chat();
    auto request = dialect->parse({.body = body.dump(), .target = "", .key_name = ""});
    ASSERT_TRUE(request) << request.error().message;
    const auto events = mixed(make, n_choices);

    const auto whole = dialect->writer(*request, openai_test_context());
    request->stream = true;
    const auto stream = dialect->writer(*request, openai_test_context());
    const json expected = json::parse(write(*whole, events, n_choices));
    EXPECT_EQ(folded(chunks_of(write(*stream, events, n_choices))), expected) << "seed " << seed;
  }
}

TEST(OpenAiChat, TokensThatAreHalfACharacterKeepTheirBytes) {
  const auto dialect = make_openai_chat();
  const auto request =
      dialect->parse({.body = R"({"messages": [{"role": "user"}], "logprobs": true})",
                      .target = "",
                      .key_name = ""});
  ASSERT_TRUE(request);
  const auto writer = dialect->writer(*request, openai_test_context());
  const ChoiceOutput output{0, TextDelta{"\u00e9"}, {{"\xc3", -1, {}}, {"\xa9", -2, {}}}};
  const json body = json::parse(write(*writer, {output}, 1));
  const json& tokens = body["choices"][0]["logprobs"]["content"];
  EXPECT_EQ(tokens[0]["bytes"], json::array({0xc3}));
  EXPECT_EQ(tokens[0]["token"], "\ufffd");
  EXPECT_EQ(tokens[1]["bytes"], json::array({0xa9}));
}

}  // namespace
}  // namespace jevons
