#include "engine/chat_prompt.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stop_token>

#include "convert/synth_vocabulary.h"
#include "text/json_value.h"
#include "text/output_parser.h"

namespace jevons {
namespace {

using Ids = std::vector<std::int32_t>;

const Tokenizer& tokenizer() {
  static const Tokenizer kTokenizer =
      Tokenizer::create(make_synth_vocabulary(1200, 7, "").value()).value();
  return kTokenizer;
}

bool begins_with(const Ids& whole, const Ids& begin) {
  return whole.size() >= begin.size() && std::equal(begin.begin(), begin.end(), whole.begin());
}

ChatPrompt prompt_of(const ChatRequest& request, const TurnStore& turns,
                     const PromptOptions& options = {}, std::string_view scope = "key") {
  auto prompt = chat_prompt(request, PromptFormat{}, options, tokenizer(), turns, scope);
  EXPECT_TRUE(prompt) << prompt.error().message;
  return prompt ? *std::move(prompt) : ChatPrompt{};
}

class Maker {
 public:
  explicit Maker(std::uint32_t seed) : engine_(seed) {}

  std::size_t below(std::size_t n) { return engine_() % n; }
  bool often() { return below(4) != 0; }

  std::string words(std::size_t n) {
    static const std::vector<std::string> kWords = {
        "the ", "file",  "\n",  "\n\n", "  ",     " a",     "\u00e9", "\U0001F600", "1234",
        "</",   "think", "e~[", "[",    "]~b]ai", "[e~[\n", "\t",     "\"q\"",      "."};
    std::string text;
    for (std::size_t i = 0; i < n; ++i) text += kWords[below(kWords.size())];
    return text;
  }

  ToolCall call(std::size_t n_before) {
    ToolCall call;
    call.id = "call_" + std::to_string(n_before) + "_" + std::to_string(below(1000000));
    call.name = below(2) == 0 ? "read" : "write";
    call.arguments = R"({"path": )" + json_string("p" + words(2));
    if (often()) call.arguments += R"(, "text": )" + json_string(words(4));
    if (below(2) == 0) call.arguments += R"(, "n": [1, 2.5, {"b": null, "a": true}])";
    call.arguments += "}";
    return call;
  }

  Message answer(std::size_t n_before) {
    Message message = new_assistant_message();
    message.reasoning = "I " + words(6) + "go";
    if (often()) message.content = "So " + words(3) + "it is";
    const std::size_t n_calls = 1 + below(2);
    for (std::size_t i = 0; i < n_calls; ++i) message.tool_calls.push_back(call(n_before + i));
    return message;
  }

  /// Any tokens that spell `text`, the special ones among them: as a model may write it.
  Ids sampled(std::string_view text) {
    Ids ids;
    while (!text.empty()) {
      const std::string_view max = text.substr(0, 1 + below(12));
      std::vector<std::int32_t> fitting;
      for (std::int32_t id = 0; id < tokenizer().n_tokens(); ++id) {
        const std::string_view bytes = tokenizer().token_bytes(id);
        if (!bytes.empty() && tokenizer().kind(id) != TokenKind::kControl &&
            (max.starts_with(bytes) || (bytes.size() > 5 && text.starts_with(bytes)))) {
          fitting.push_back(id);
        }
      }
      ids.push_back(fitting[below(fitting.size())]);
      text.remove_prefix(tokenizer().token_bytes(ids.back()).size());
    }
    return ids;
  }

  /// A message as a client may send it back.
  Message echo(Message message) {
    if (below(2) == 0) message.reasoning.reset();
    if (!message.content.is_list && below(2) == 0) {
      message.content = Content(std::vector<std::string>{message.content.joined()});
    }
    for (ToolCall& call : message.tool_calls) {
      if (below(2) == 0) std::erase(call.id, '_');
      if (below(2) == 0) call.arguments = rewritten(parse_json(call.arguments).value());
    }
    return message;
  }

 private:
  /// Keys in another order, no spaces.
  static std::string rewritten(const JsonValue& value) {
    std::string json;
    if (value.is_object()) {
      for (std::size_t i = value.items.size(); i-- > 0;) {
        json += (json.empty() ? "" : ",") + json_string(value.keys[i]) + ":" +
                rewritten(value.items[i]);
      }
      return "{" + json + "}";
    }
    if (value.is_array()) {
      for (const JsonValue& item : value.items) json += (json.empty() ? "" : ",") + rewritten(item);
      return "[" + json + "]";
    }
    return python_json(value);
  }

  std::mt19937 engine_;
};

/// What a model writes after `opening` so that it is read as `message`.
std::string written_answer(const Message& message, std::string_view opening) {
  ChatRequest alone;
  alone.messages = {message};
  const auto placed = render_placed_prompt(alone, PromptFormat{}, {.add_generation_prompt = false});
  const PromptPlaces::Answer& place = placed->places.answers.front();
  const std::string text = prompt_text(placed->pieces).substr(place.begin, place.end - place.begin);
  return text.starts_with(opening) ? text.substr(opening.size()) : text;
}

TEST(ChatPrompt, AToolLoopIsReadOnTokenForToken) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    Maker make(seed);
    const PromptOptions options{.thinking = seed % 3 != 0};
    TurnStore turns;
    ChatRequest request;
    if (make.often()) request.messages.push_back({.role = Role::kSystem, .content = make.words(5)});
    request.messages.push_back({.role = Role::kUser, .content = make.words(4)});
    Ids before;
    int n_restored = 0;
    for (int turn = 0; turn < 5; ++turn) {
      const ChatPrompt prompt = prompt_of(request, turns, options);
      ASSERT_TRUE(begins_with(prompt.ids, before)) << "seed " << seed << " turn " << turn;
      EXPECT_EQ(prompt.n_spliced_turns, turn);
      EXPECT_EQ(prompt.n_restored_reasonings, n_restored);

      Message answer = make.answer(request.messages.size());
      if (!options.thinking) answer.reasoning = "";
      const Ids ids = make.sampled(written_answer(answer, prompt.opening));
      turns.remember("key", answer, prompt.opening, ids);
      before = prompt.ids;
      before.insert(before.end(), ids.begin(), ids.end());

      request.messages.push_back(make.echo(answer));
      if (!request.messages.back().reasoning && options.thinking) ++n_restored;
      for (const ToolCall& call : answer.tool_calls) {
        request.messages.push_back(
            {.role = Role::kTool, .content = make.words(5), .tool_call_id = call.id});
      }
      if (!make.often()) request.messages.push_back({.role = Role::kSystem, .content = "Hurry."});
    }
  }
}

TEST(ChatPrompt, TheIdsSpellWhatTheRendererWrites) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    Maker make(seed);
    TurnStore turns;
    ChatRequest request;
    request.messages.push_back({.role = Role::kUser, .content = make.words(4)});
    for (int turn = 0; turn < 3; ++turn) {
      const Message answer = make.answer(request.messages.size());
      if (make.often()) {
        turns.remember("key", answer, "<think>\n",
                       make.sampled(written_answer(answer, "<think>\n")));
      }
      request.messages.push_back(answer);
      request.messages.push_back({.role = Role::kTool, .content = make.words(3)});
      if (!make.often()) request.messages.push_back({.role = Role::kUser, .content = "go on"});
    }
    const auto pieces = render_prompt(request, PromptFormat{});
    EXPECT_EQ(tokenizer().decode(prompt_of(request, turns).ids), prompt_text(*pieces));
    EXPECT_EQ(prompt_of(request, TurnStore()).ids, tokenizer().encode(*pieces));
  }
}

TEST(ChatPrompt, MessagesBeginWhereTheirTextBegins) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    Maker make(seed);
    TurnStore turns;
    ChatRequest request;
    request.tools = {ToolDefinition{.name = "f", .function_json = R"({"name": "f"})"}};
    for (std::size_t i = 0; i < seed % 3; ++i) {
      request.messages.push_back({.role = Role::kSystem, .content = make.words(3)});
    }
    request.messages.push_back({.role = Role::kUser, .content = make.words(3)});
    const Message answer = make.answer(9);
    const Ids ids = make.sampled(written_answer(answer, "<think>\n"));
    if (make.often()) turns.remember("key", answer, "<think>\n", ids);
    request.messages.push_back(make.echo(answer));
    request.messages.push_back({.role = Role::kTool, .content = make.words(2)});
    request.messages.push_back({.role = Role::kSystem, .content = make.words(2)});

    const ChatPrompt prompt = prompt_of(request, turns);
    ASSERT_EQ(prompt.message_begins.size(), request.messages.size());
    const auto text_from = [&prompt](int index) {
      return tokenizer().decode(std::span(prompt.ids).subspan(static_cast<std::size_t>(index)));
    };
    EXPECT_TRUE(text_from(prompt.n_system_tokens).starts_with("]~b]user\n"));
    EXPECT_TRUE(text_from(prompt.tools_begin).starts_with("# Tools") ||
                text_from(prompt.tools_begin).starts_with("\n# Tools") ||
                text_from(prompt.tools_begin).starts_with("\n\n# Tools"));
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
      const std::string rest = text_from(prompt.message_begins[i]);
      switch (request.messages[i].role) {
        case Role::kSystem:
          EXPECT_TRUE(rest.starts_with(i < seed % 3 ? "]~!b[]~b]system\n"
                                                    : "]~b]user\n<system-reminder>\n"));
          break;
        case Role::kUser:
          EXPECT_TRUE(rest.starts_with("]~b]user\n" + request.messages[i].content.joined()));
          break;
        case Role::kAssistant:
          EXPECT_TRUE(rest.starts_with("]~b]ai\n"));
          break;
        case Role::kTool:
          EXPECT_TRUE(rest.starts_with("]~b]tool\n<response>"));
          break;
      }
    }
  }
}

TEST(ChatPrompt, TurnsBeforeTheLastUserMessageAreRenderedAnew) {
  Maker make(1);
  TurnStore turns;
  const Message answer = make.answer(0);
  turns.remember("key", answer, "<think>\n", make.sampled("anything"));
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "a"},
                      answer,
                      {.role = Role::kTool, .content = "b"},
                      {.role = Role::kUser, .content = "c"}};
  const ChatPrompt prompt = prompt_of(request, turns);
  EXPECT_EQ(prompt.n_spliced_turns, 0);
  EXPECT_EQ(prompt.n_restored_reasonings, 0);
  EXPECT_EQ(prompt.ids, prompt_of(request, TurnStore()).ids);
}

TEST(ChatPrompt, AnotherScopeIsNotServed) {
  Maker make(2);
  TurnStore turns;
  const Message answer = make.answer(0);
  turns.remember("key", answer, "<think>\n", make.sampled("anything"));
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "a"}, answer};
  request.messages[1].reasoning.reset();
  EXPECT_EQ(prompt_of(request, turns, {}, "key").n_restored_reasonings, 1);
  EXPECT_EQ(prompt_of(request, turns, {}, "other").n_spliced_turns, 0);
}

TEST(ChatPrompt, SaysHowItEnds) {
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = "a"}};
  const TurnStore turns;
  EXPECT_TRUE(prompt_of(request, turns).ends_in_reasoning);
  EXPECT_EQ(prompt_of(request, turns).opening, "<think>\n");
  EXPECT_FALSE(prompt_of(request, turns, {.thinking = false}).ends_in_reasoning);
  EXPECT_EQ(prompt_of(request, turns, {.thinking = false}).opening, "<think>\n\n</think>\n\n");
  const PromptOptions no_answer{.add_generation_prompt = false};
  EXPECT_FALSE(prompt_of(request, turns, no_answer).ends_in_reasoning);
  EXPECT_EQ(prompt_of(request, turns, no_answer).opening, "");
  request.messages.push_back({.role = Role::kTool, .content = "b"});
  EXPECT_FALSE(chat_prompt(request, PromptFormat{}, {}, tokenizer(), turns, ""));
}

TEST(ChatPrompt, IsGivenUpWhenNobodyWaits) {
  std::stop_source source;
  PromptOptions options;
  options.stop = source.get_token();
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = std::string("hi")}};
  const TurnStore turns;
  EXPECT_TRUE(chat_prompt(request, PromptFormat{}, options, tokenizer(), turns, ""));
  source.request_stop();
  EXPECT_FALSE(chat_prompt(request, PromptFormat{}, options, tokenizer(), turns, ""));
  EXPECT_FALSE(render_prompt(request, PromptFormat{}, options));
}

}  // namespace
}  // namespace jevons
