// What may happen to a request, by seed: the events of an answer in an order that the engine and
// the output parser can give, and the same answer cut differently.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "base/utf8.h"

namespace jevons {

struct RandomAnswer {
  Started started;
  std::vector<OutputEvent> events;
  ChoiceEnd end;
  Finished finished;
};

class AnswerMaker {
 public:
  explicit AnswerMaker(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  RandomAnswer answer() {
    RandomAnswer made;
    made.started.n_prompt_tokens = 1 + static_cast<int>(below(500));
    made.started.n_cached_tokens = static_cast<int>(below(made.started.n_prompt_tokens));
    if (below(2) == 0) made.events.emplace_back(ReasoningDelta{text()});
    const std::size_t n_parts = below(5);
    std::size_t n_calls = 0;
    for (std::size_t i = 0; i < n_parts; ++i) {
      if (below(2) == 0) {
        made.events.emplace_back(TextDelta{text()});
      } else {
        add_call(made.events, n_calls++);
      }
      if (below(6) == 0) made.events.emplace_back(OutputWarning{"something was odd"});
    }
    add_end(made, n_calls > 0);
    return made;
  }

  /// The same, with every delta in pieces, none of them inside a character.
  RandomAnswer cut(const RandomAnswer& answer) {
    RandomAnswer pieces = answer;
    pieces.events.clear();
    for (const OutputEvent& event : answer.events) {
      if (const auto* const reasoning = std::get_if<ReasoningDelta>(&event)) {
        for (std::string& piece : cut(reasoning->text)) {
          pieces.events.emplace_back(ReasoningDelta{std::move(piece)});
        }
      } else if (const auto* const said = std::get_if<TextDelta>(&event)) {
        for (std::string& piece : cut(said->text)) {
          pieces.events.emplace_back(TextDelta{std::move(piece)});
        }
      } else if (const auto* const arguments = std::get_if<ToolArgumentsDelta>(&event)) {
        for (std::string& piece : cut(arguments->json)) {
          pieces.events.emplace_back(ToolArgumentsDelta{arguments->index, std::move(piece)});
        }
      } else {
        pieces.events.push_back(event);
      }
    }
    return pieces;
  }

 private:
  std::string text() {
    static constexpr std::string_view kParts[] = {
        "a",  "word ", " ",      "\n",     "\n\n", "\"",         "\\",     "</think>",
        "{}", "\t",    "\u00e9", "\u4e2d", "\x01", "\U0001F600", "\u2028", "data: x\n\n"};
    std::string made;
    const std::size_t n_parts = below(6);
    for (std::size_t i = 0; i < n_parts; ++i) made += kParts[below(std::size(kParts))];
    return made;
  }

  void add_call(std::vector<OutputEvent>& events, std::size_t index) {
    static constexpr std::string_view kArguments[] = {
        "{}", R"({"city":"Oslo"})", R"({"n": 1e5, "s": "a\nb\"", "deep": {"list": [1, null]}})",
        "{\"\u00e9\": \"\u4e2d\"}"};
    events.emplace_back(ToolCallBegin{index, "toolu_" + std::to_string(1000 + index), "call me"});
    events.emplace_back(ToolArgumentsDelta{index, std::string(kArguments[below(4)])});
    events.emplace_back(ToolCallEnd{index, below(8) != 0});
  }

  void add_end(RandomAnswer& made, bool has_tool_calls) {
    made.end.reason = static_cast<StopReason>(below(6));
    if (made.end.reason == StopReason::kStopString) made.end.stop_string = "\n\"stop\"";
    made.end.has_tool_calls = has_tool_calls;
    Usage& usage = made.finished.usage;
    usage.prompt_tokens = made.started.n_prompt_tokens;
    usage.cached_tokens = made.started.n_cached_tokens;
    const int n_computed = usage.prompt_tokens - usage.cached_tokens;
    usage.written_tokens = static_cast<int>(below(static_cast<std::size_t>(n_computed) + 1));
    usage.answer_tokens = static_cast<int>(below(300));
    usage.reasoning_tokens =
        static_cast<int>(below(static_cast<std::size_t>(usage.answer_tokens) + 1));
    made.end.usage = usage;
    made.finished.report.cache.n_prompt_tokens = usage.prompt_tokens;
    made.finished.report.cache.n_cached_tokens = usage.cached_tokens;
    if (below(3) == 0) {
      made.finished.report.cache.broke_at =
          CacheReport::Break{.token_index = 7, .cached = {1}, .prompt = {2}, .n_lost_tokens = 20};
      made.finished.report.broke_where = "messages[0]";
      made.finished.report.cached_excerpt = text();
      made.finished.report.prompt_excerpt = text();
    }
    if (below(3) == 0) made.finished.report.warnings = {"tools[1]: left out", text()};
  }

  std::vector<std::string> cut(std::string_view whole) {
    std::vector<std::string> pieces;
    std::string piece;
    while (!whole.empty()) {
      const std::size_t n = std::max<std::size_t>(1, utf8_sequence_length(whole));
      piece += whole.substr(0, n);
      whole.remove_prefix(n);
      if (below(3) == 0) {
        pieces.push_back(std::move(piece));
        piece.clear();
      }
    }
    pieces.push_back(std::move(piece));
    return pieces;
  }

  std::minstd_rand random_;
};

/// All bytes that `writer` makes of an answer.
inline std::string write_answer(ResponseWriter& writer, const RandomAnswer& answer) {
  std::string bytes = writer.start(answer.started);
  for (const OutputEvent& event : answer.events) {
    bytes += writer.output(ChoiceOutput{.choice = 0, .event = event});
  }
  bytes += writer.end_choice(answer.end);
  return bytes + writer.finish(answer.finished);
}

}  // namespace jevons
