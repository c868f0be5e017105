// Properties of the output parser on random input: no cut changes the events, no text is lost,
// and what the prompt renders is parsed back.
#include <gtest/gtest.h>

#include <random>

#include "parsed_output.h"
#include "text/json_value.h"
#include "text/prompt.h"

namespace jevons {
namespace {

using Random = std::mt19937;

std::size_t pick(Random& random, std::size_t n) { return random() % n; }

template <std::size_t n>
std::string pick_of(Random& random, const char* const (&choices)[n]) {
  return choices[pick(random, n)];
}

/// Markers whole and broken, in any order, with words that occur once: "w1;" "w2;" ...
std::string soup(Random& random, std::size_t n_pieces, std::size_t* n_words) {
  static const char* const kPieces[] = {"<think>",
                                        "</think>",
                                        "\n",
                                        "\n\n",
                                        " ",
                                        "<minimax:tool_call>",
                                        "</minimax:tool_call>",
                                        "<minimax:tool_call>\n<invoke name=\"set\">\n",
                                        "<invoke name=\"set\">",
                                        "<invoke name='now'>",
                                        "<invoke name=write_file>",
                                        "<invoke",
                                        "</invoke>",
                                        "</invoke>\n</minimax:tool_call>",
                                        "<parameter name=\"s\">",
                                        "<parameter name=\"i\">",
                                        "<parameter name=\"o\">",
                                        "<parameter name=\"any\">",
                                        "<parameter name=path>",
                                        "<parameter name=\"other\">",
                                        "<parameter",
                                        "</parameter>",
                                        "</parameter>\n</invoke>",
                                        "</parameter>\n",
                                        "<",
                                        ">",
                                        "\"",
                                        "'",
                                        "\\",
                                        "12",
                                        "true",
                                        "null",
                                        "{}",
                                        "[1, {\"a\": 2}]",
                                        "\u00e9",
                                        "\U0001F600",
                                        "\x01",
                                        "</",
                                        "<p"};
  std::string text;
  for (std::size_t i = 0; i < n_pieces; ++i) {
    if (pick(random, 4) == 0) {
      text += fmt::format("w{};", (*n_words)++);
    } else {
      text += pick_of(random, kPieces);
    }
  }
  return text;
}

std::vector<std::string_view> random_cuts(Random& random, std::string_view text) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const std::size_t n = std::min<std::size_t>(text.size(), pick(random, 12));
    pieces.push_back(text.substr(0, n));
    text.remove_prefix(n);
  }
  return pieces;
}

/// Everything in the events that the user or a tool gets to see.
std::string delivered(const std::vector<OutputEvent>& events) {
  std::string text;
  for (const OutputEvent& event : events) {
    if (!std::holds_alternative<OutputWarning>(event)) text += described({event});
  }
  return text;
}

void expect_well_formed(const std::vector<OutputEvent>& events) {
  std::size_t n_calls = 0;
  bool is_open = false;
  std::string arguments;
  for (const OutputEvent& event : events) {
    if (const auto* begin = std::get_if<ToolCallBegin>(&event)) {
      EXPECT_FALSE(is_open);
      EXPECT_EQ(begin->index, n_calls++);
      is_open = true;
      arguments.clear();
    } else if (const auto* delta = std::get_if<ToolArgumentsDelta>(&event)) {
      EXPECT_TRUE(is_open && delta->index + 1 == n_calls);
      arguments += delta->json;
    } else if (const auto* end = std::get_if<ToolCallEnd>(&event)) {
      EXPECT_TRUE(is_open && end->index + 1 == n_calls);
      is_open = false;
      const auto value = parse_json(arguments);
      EXPECT_TRUE(value && value->is_object()) << arguments;
    } else {
      EXPECT_TRUE(!is_open || std::holds_alternative<OutputWarning>(event));
    }
  }
  EXPECT_FALSE(is_open);
}

TEST(OutputParserProperty, NoCutChangesTheEventsAndNoTextIsLost) {
  Random random(1);
  for (int round = 0; round < 4000; ++round) {
    std::size_t n_words = 0;
    const std::string text = soup(random, 1 + pick(random, 25), &n_words);
    OutputParserOptions options;
    options.starts_in_reasoning = pick(random, 2) == 0;
    options.parse_tool_calls = pick(random, 8) != 0;
    const auto whole = parse_pieces({text}, test_tools(), options);
    ASSERT_EQ(described(parse_pieces(random_cuts(random, text), test_tools(), options)),
              described(whole))
        << text;
    expect_well_formed(whole);
    const std::string seen = delivered(whole);
    for (std::size_t i = 0; i < n_words; ++i) {
      ASSERT_NE(seen.find(fmt::format("w{};", i)), std::string::npos) << i << " in " << text;
    }
  }
}

std::string hostile_text(Random& random) {
  static const char* const kPieces[] = {"a",
                                        "word ",
                                        "\n",
                                        "\n\n",
                                        " ",
                                        "\"",
                                        "\\",
                                        "<",
                                        ">",
                                        "&",
                                        "<b>",
                                        "</b>",
                                        "{\"a\": [1]}",
                                        "null",
                                        "12",
                                        "</parameter>x",
                                        "<parameter name=\"x\">",
                                        "</invoke>x",
                                        "<invoke name=\"y\">",
                                        "<thinking>",
                                        "</minimax:tool_call>x",
                                        "\u00e9",
                                        "\U0001F600",
                                        "\x01",
                                        "\x7f",
                                        "\u2028",
                                        "'"};
  std::string text;
  for (std::size_t n = pick(random, 8); n > 0; --n) text += pick_of(random, kPieces);
  return text;
}

std::string random_arguments(Random& random) {
  static const char* const kNumbers[] = {"0", "-7", "1.5", "1e-07",
                                         "123456789012345678901234567890"};
  static const char* const kObjects[] = {"{}", "{\"b\": [1, \"x\"], \"a\": {\"c\": null}}"};
  std::string json = "{";
  const auto add = [&](std::string_view key, std::string_view value) {
    json += fmt::format("{}\"{}\": {}", json.size() > 1 ? ", " : "", key, value);
  };
  if (pick(random, 2) == 0) add("sn", pick(random, 2) == 0 ? "null" : "\"text\"");
  if (pick(random, 2) == 0) add("o", pick_of(random, kObjects));
  if (pick(random, 2) == 0) add("s", json_string(hostile_text(random)));
  if (pick(random, 2) == 0) add("n", pick_of(random, kNumbers));
  if (pick(random, 2) == 0) add("b", pick(random, 2) == 0 ? "true" : "false");
  if (pick(random, 2) == 0) add("a", "[\"</parameter>\", [], 2.5]");
  return json + "}";
}

Message random_answer(Random& random) {
  Message message = new_assistant_message();
  if (pick(random, 2) == 0) message.reasoning = hostile_text(random);
  if (pick(random, 2) == 0) {
    if (const std::string text = hostile_text(random); !text.empty()) message.content = text;
  }
  for (std::size_t n = pick(random, 4); n > 0; --n) {
    message.tool_calls.push_back(ToolCall{"", "set", random_arguments(random)});
  }
  return message;
}

std::string rendered(const ChatRequest& request) {
  const auto pieces = render_prompt(request, PromptFormat{}, {.add_generation_prompt = false});
  EXPECT_TRUE(pieces) << pieces.error().message;
  return prompt_text(*pieces);
}

TEST(OutputParserProperty, WhatIsRenderedIsParsedBack) {
  Random random(2);
  ChatRequest request;
  request.tools = test_tools();
  request.messages = {Message{.content = "q"}};
  const std::string prompt = rendered(request) + "]~b]ai\n";
  for (int round = 0; round < 3000; ++round) {
    const Message message = random_answer(random);
    ChatRequest answered = request;
    answered.messages.push_back(message);
    const std::string whole = rendered(answered);
    ASSERT_TRUE(whole.starts_with(prompt) && whole.ends_with("[e~[\n"));
    const std::string output = whole.substr(prompt.size(), whole.size() - prompt.size() - 5);

    Message parsed = new_assistant_message();
    const auto pieces = random_cuts(random, output);
    for (const auto& event : parse_pieces(pieces, test_tools(), {.starts_in_reasoning = false})) {
      append_event(parsed, event);
    }
    for (ToolCall& call : parsed.tool_calls) call.id.clear();
    ASSERT_EQ(messages_to_json({&parsed, 1}), messages_to_json({&message, 1})) << output;
    answered.messages.back() = parsed;
    ASSERT_EQ(rendered(answered), whole);
  }
}

}  // namespace
}  // namespace jevons
