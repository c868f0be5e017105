// The events of a stream against a file, and against a fold of them that knows nothing of the
// writer: it does what official clients do with each event.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>

#include "api/dialect.h"
#include "api/openai_responses_items.h"
#include "base/atomic_file.h"
#include "tests/api/responses_events.h"

namespace jevons {
namespace {

constexpr const char* kId = "0123456789abcdefghijklmn";

GenerationRequest request_for(Dialect& dialect, const Json& body) {
  auto request = parse_with(dialect, body.dump());
  EXPECT_TRUE(request.has_value()) << request.error().message;
  return *std::move(request);
}

/// The response as a client builds it from the events before the last one.
Json fold(const std::vector<Json>& events) {
  Json response;
  for (const Json& event : events) {
    const std::string type = event["type"];
    if (type == "response.created") {
      response = event["response"];
      continue;
    }
    if (!event.contains("output_index")) continue;
    Json& output = response["output"];
    const std::size_t index = event["output_index"];
    if (type == "response.output_item.added") {
      EXPECT_EQ(index, output.size());
      output.push_back(event["item"]);
      continue;
    }
    EXPECT_LT(index, output.size());
    Json& item = output.at(index);
    if (type == "response.output_item.done") {
      EXPECT_EQ(item["id"], event["item"]["id"]);
      // Everything but the state and what comes at once must have come in deltas.
      for (const char* const key : {"status", "encrypted_content"}) {
        if (event["item"].contains(key)) item[key] = event["item"][key];
      }
      EXPECT_EQ(item, event["item"]);
      continue;
    }
    EXPECT_EQ(item["id"], event["item_id"]);
    const bool is_summary = event.contains("summary_index");
    if (type.ends_with("_part.added")) {
      Json& parts = item[is_summary ? "summary" : "content"];
      EXPECT_EQ(event[is_summary ? "summary_index" : "content_index"], parts.size());
      parts.push_back(event["part"]);
    } else if (type == "response.function_call_arguments.delta") {
      item["arguments"] = item["arguments"].get<std::string>() + event["delta"].get<std::string>();
    } else if (type == "response.custom_tool_call_input.delta") {
      item["input"] = item["input"].get<std::string>() + event["delta"].get<std::string>();
    } else if (type == "response.function_call_arguments.done") {
      EXPECT_EQ(item["arguments"], event["arguments"]);
      EXPECT_EQ(item["name"], event["name"]);
    } else if (type == "response.custom_tool_call_input.done") {
      EXPECT_EQ(item["input"], event["input"]);
    } else {
      Json& part = item[is_summary ? "summary" : "content"].at(0);
      if (type.ends_with(".delta")) {
        part["text"] = part["text"].get<std::string>() + event["delta"].get<std::string>();
        if (event.contains("logprobs")) {
          for (const Json& logprob : event["logprobs"]) part["logprobs"].push_back(logprob);
        }
      } else if (type.ends_with("_part.done")) {
        EXPECT_EQ(part, event["part"]);
      } else {
        EXPECT_TRUE(type.ends_with("_text.done")) << type;
        EXPECT_EQ(part["text"], event["text"]);
      }
    }
  }
  return response;
}

/// Numbers without a gap, added before done, each item done once, one lifecycle.
void expect_order(const std::vector<Json>& events) {
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events[0]["type"], "response.created");
  EXPECT_EQ(events[1]["type"], "response.in_progress");
  std::set<std::string> open, done;
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["sequence_number"], i);
    const std::string type = events[i]["type"];
    if (type == "response.output_item.added") {
      const std::string id = events[i]["item"]["id"];
      EXPECT_TRUE(open.insert(id).second && !done.contains(id)) << id;
    } else if (type == "response.output_item.done") {
      const std::string id = events[i]["item"]["id"];
      EXPECT_EQ(open.erase(id), 1U) << id;
      EXPECT_TRUE(done.insert(id).second);
    } else if (events[i].contains("item_id")) {
      EXPECT_TRUE(open.contains(events[i]["item_id"].get<std::string>())) << events[i].dump();
    }
  }
}

const Json kBody = Json::parse(R"({
  "model": "jevons", "stream": true, "input": "q", "metadata": {"a": "b"},
  "tools": [{"type": "function", "name": "ls"}, {"type": "custom", "name": "apply_patch"},
            {"type": "namespace", "name": "agents", "tools": [
              {"type": "function", "name": "spawn"}, {"type": "custom", "name": "say"}]}]})");

std::vector<OutputEvent> example_answer() {
  return {ReasoningDelta{"Think"},
          ReasoningDelta{"ing.\n"},
          TextDelta{"Let me \"look\"."},
          ToolCallBegin{0, "call_A", "ls"},
          ToolArgumentsDelta{0, R"({"path": "/)"},
          ToolArgumentsDelta{0, R"(tmp"})"},
          ToolCallEnd{0, true},
          ToolCallBegin{1, "call_B", "apply_patch"},
          ToolArgumentsDelta{1, R"({"input": "*** )"},
          ToolArgumentsDelta{1, R"(Begin\n"})"},
          ToolCallEnd{1, true},
          ToolCallBegin{2, "call_C", "agents__spawn"},
          ToolArgumentsDelta{2, "{}"},
          ToolCallEnd{2, true}};
}

Finished example_finish() {
  Finished finished;
  finished.usage = Usage{100, 64, 36, 20, 5};
  finished.report.prompt_ms = 1500;
  finished.report.generation_ms = 2500;
  return finished;
}

std::string example_stream(const Json& body) {
  const auto dialect = make_openai_responses(std::string());
  const auto writer = dialect->writer(request_for(*dialect, body), response_context(kId));
  ChoiceEnd end;
  end.has_tool_calls = true;
  return write_answer(*writer, example_answer(), end, example_finish());
}

void expect_like_file(const std::string& text, const std::string& name) {
  const std::string path = std::string(JEVONS_SOURCE_DIR "/tests/api/openai_responses/") + name;
  if (std::getenv("JEVONS_WRITE_GOLDENS") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, text).has_value());
  }
  const auto expected = read_file(path);
  ASSERT_TRUE(expected.has_value()) << path;
  std::istringstream lines(text), expected_lines(*expected);
  std::string line, expected_line;
  while (std::getline(expected_lines, expected_line)) {
    ASSERT_TRUE(std::getline(lines, line));
    ASSERT_EQ(line, expected_line);
  }
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

TEST(OpenAiResponsesStream, AnAnswerIsTheEventsOfTheFile) {
  expect_like_file(example_stream(kBody), "stream.txt");
}

TEST(OpenAiResponsesStream, ReasoningAsASummaryIsTheEventsOfTheFile) {
  Json body = kBody;
  body["reasoning"] = {{"summary", "auto"}};
  body["include"] = {"reasoning.encrypted_content"};
  expect_like_file(example_stream(body), "stream_summary.txt");
}

// ---- Any answer.

class RandomEvents {
 public:
  explicit RandomEvents(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  std::string text() {
    static const std::string kPieces[] = {"a",      " ",          "\n", "\"", "\\",
                                          "\u00e9", "\U0001F600", "{",  "}",  "</think>",
                                          "\x01",   "input",      ": ", "<",  "0"};
    std::string text;
    for (std::size_t n = 1 + below(4); n > 0; --n) text += kPieces[below(std::size(kPieces))];
    return text;
  }

  /// In the order in which the parser of answers can give them.
  std::vector<OutputEvent> events() {
    std::vector<OutputEvent> events;
    for (std::size_t n = below(4); n > 0; --n) add(events, ReasoningDelta{text()});
    for (std::size_t n = below(4); n > 0; --n) add(events, TextDelta{text()});
    const std::size_t n_calls = below(4);
    for (std::size_t i = 0; i < n_calls; ++i) {
      add_call(events, i, i + 1 < n_calls || below(4) > 0);
      for (std::size_t n = below(2); n > 0; --n) add(events, TextDelta{text()});
    }
    return events;
  }

  ChoiceEnd end() {
    static constexpr StopReason kReasons[] = {StopReason::kEndOfTurn, StopReason::kStopString,
                                              StopReason::kMaxTokens, StopReason::kContextFull,
                                              StopReason::kDeadline};
    ChoiceEnd end;
    end.reason = kReasons[below(std::size(kReasons))];
    return end;
  }

 private:
  void add(std::vector<OutputEvent>& events, OutputEvent event) {
    if (below(8) == 0) events.emplace_back(OutputWarning{"odd"});
    events.push_back(std::move(event));
  }

  void add_call(std::vector<OutputEvent>& events, std::size_t index, bool complete) {
    static const std::string kNames[] = {"ls", "apply_patch", "agents__spawn", "agents__say",
                                         "unknown"};
    add(events, ToolCallBegin{index, "call_" + std::to_string(below(1000000)),
                              kNames[below(std::size(kNames))]});
    std::string json = "{";
    static const std::string kKeys[] = {"input", "path", "other"};
    for (std::size_t i = below(3), n = i; n > 0; --n) {
      json += (n < i ? ", " : "") + Json(kKeys[(n + below(2)) % 3] + (n < i ? "2" : "")).dump() +
              ": " + (below(3) > 0 ? Json(text()).dump() : std::string("[1, {\"a\": null}]"));
    }
    json += "}";
    add_fragments(events, index, json);
    events.emplace_back(ToolCallEnd{index, complete});
  }

  /// Never cut inside a character or an escape, as the parser promises.
  void add_fragments(std::vector<OutputEvent>& events, std::size_t index, const std::string& json) {
    std::string fragment;
    for (std::size_t i = 0; i < json.size();) {
      std::size_t n = json[i] == '\\' ? (json[i + 1] == 'u' ? 6 : 2) : 1;
      while (i + n < json.size() && (json[i + n] & 0xC0) == 0x80) ++n;
      fragment += json.substr(i, n);
      i += n;
      if (below(3) == 0 || i == json.size()) {
        add(events, ToolArgumentsDelta{index, std::exchange(fragment, {})});
      }
    }
  }

  std::mt19937 random_;
};

Json random_body(RandomEvents& random) {
  Json body = kBody;
  if (random.below(2) == 0) body["reasoning"] = {{"summary", "auto"}};
  if (random.below(2) == 0) body["include"] = {"reasoning.encrypted_content"};
  return body;
}

TEST(OpenAiResponsesStream, FoldingTheEventsGivesTheResponseOfTheLastOne) {
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomEvents random(seed);
    const auto dialect = make_openai_responses(std::string());
    const Json body = random_body(random);
    const auto request = request_for(*dialect, body);
    const auto answer = random.events();
    const ChoiceEnd end = random.end();
    const auto writer = dialect->writer(request, response_context(kId));
    const auto events = stream_events(write_answer(*writer, answer, end, example_finish()));
    expect_order(events);

    const Json& last = events.back();
    const bool has_cut_call = std::any_of(answer.begin(), answer.end(), [](const auto& event) {
      const auto* call_end = std::get_if<ToolCallEnd>(&event);
      return call_end != nullptr && !call_end->complete;
    });
    const bool is_complete = !has_cut_call && (end.reason == StopReason::kEndOfTurn ||
                                               end.reason == StopReason::kStopString);
    EXPECT_EQ(last["type"], is_complete ? "response.completed" : "response.incomplete");
    EXPECT_EQ(last["response"]["status"], is_complete ? "completed" : "incomplete");
    Json folded = fold(events)["output"];
    Json expected = last["response"]["output"];
    for (std::size_t i = 0; i < folded.size(); ++i) {
      // A call that was cut off has no "done": its state comes with the response alone.
      if (folded[i]["status"] == "in_progress") {
        EXPECT_EQ(expected[i]["status"], "incomplete");
        EXPECT_TRUE(folded[i].contains("call_id"));
        folded[i]["status"] = "incomplete";
      }
    }
    EXPECT_EQ(folded, expected);

    Json whole_body = body;
    whole_body["stream"] = false;
    const auto whole = dialect->writer(request_for(*dialect, whole_body), response_context(kId));
    EXPECT_EQ(Json::parse(write_answer(*whole, answer, end, example_finish())), last["response"]);
  }
}

/// Arguments as values: a client writes them with other spaces.
Message without_spelling(Message message) {
  for (ToolCall& call : message.tool_calls) call.arguments = Json::parse(call.arguments).dump();
  // An answer without reasoning has no item that says so.
  if (message.reasoning && message.reasoning->empty()) message.reasoning.reset();
  return message;
}

bool has_odd_custom_call(const std::vector<OutputEvent>& events) {
  Message message = new_assistant_message();
  for (const OutputEvent& event : events) append_event(message, event);
  for (const ToolCall& call : message.tool_calls) {
    if (call.name != "apply_patch" && call.name != "agents__say") continue;
    const Json arguments = Json::parse(call.arguments);
    if (arguments.size() != 1 || !arguments.contains("input") || !arguments["input"].is_string()) {
      return true;
    }
  }
  return false;
}

TEST(OpenAiResponsesStream, AnAnswerSentBackIsTheTurnThatWasWritten) {
  int n_compared = 0;
  for (std::uint32_t seed = 0; seed < 600; ++seed) {
    SCOPED_TRACE(seed);
    RandomEvents random(seed);
    const auto dialect = make_openai_responses(std::string());
    Json body = random_body(random);
    const auto answer = random.events();
    // What a custom tool was given is one text; a model that wrote more than that is not repeated.
    if (answer.empty() || has_odd_custom_call(answer)) continue;
    const auto writer = dialect->writer(request_for(*dialect, body), response_context(kId));
    const auto events = stream_events(write_answer(*writer, answer, random.end()));
    Message expected = new_assistant_message();
    for (const OutputEvent& event : answer) append_event(expected, event);

    Json next = body;
    next["input"] = Json::array({{{"role", "user"}, {"content", "q"}}});
    for (const Json& item : events.back()["response"]["output"]) next["input"].push_back(item);
    if (next["input"].size() == 1) continue;  // nothing but warnings
    ++n_compared;
    const auto echoed = request_for(*dialect, next);
    const auto& messages = std::get<ChatRequest>(echoed.input).messages;
    ASSERT_EQ(messages.size(), 2U) << next["input"].dump(1);
    EXPECT_EQ(without_spelling(messages[1]), without_spelling(expected)) << next["input"].dump(1);

    Json stored = body;
    stored["previous_response_id"] = events.back()["response"]["id"];
    stored["input"] = "and now?";
    const auto continued = request_for(*dialect, stored);
    const auto& longer = std::get<ChatRequest>(continued.input).messages;
    ASSERT_EQ(longer.size(), 3U);
    EXPECT_EQ(longer[0].content.joined(), "q");
    EXPECT_EQ(without_spelling(longer[1]), without_spelling(expected));
    EXPECT_EQ(longer[2].content.joined(), "and now?");
  }
  EXPECT_GT(n_compared, 200);
}

// ---- Beside the answer.

TEST(OpenAiResponsesStream, SignsOfLifeAreCommentsAndNowAndThenAnEvent) {
  const auto dialect = make_openai_responses(std::string());
  const auto writer = dialect->writer(request_for(*dialect, kBody), response_context(kId));
  std::string stream;
  for (int i = 0; i < 8; ++i) stream += writer->ping();
  EXPECT_TRUE(stream.starts_with(": ping\n\n"));
  const auto before = stream_events(stream);
  ASSERT_EQ(before.size(), 2U);
  EXPECT_EQ(before[0]["type"], "response.created");
  EXPECT_EQ(before[1]["type"], "keepalive");
  stream += write_answer(*writer, example_answer(), ChoiceEnd{});
  const auto events = stream_events(stream);
  EXPECT_EQ(events[2]["type"], "response.in_progress");
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i]["sequence_number"], i);
}

TEST(OpenAiResponsesStream, ASignOfLifeOfAWholeResponseIsASpace) {
  const auto dialect = make_openai_responses(std::string());
  const auto writer =
      dialect->writer(request_for(*dialect, {{"input", "q"}}), response_context(kId));
  EXPECT_EQ(writer->ping(), " ");
  EXPECT_EQ(writer->start(Started{}), "");
}

TEST(OpenAiResponsesStream, ProgressIsToldToThoseWhoAsk) {
  const auto dialect = make_openai_responses(std::string());
  Progress progress;
  progress.n_done = 512;
  progress.n_total = 2048;
  const auto silent = dialect->writer(request_for(*dialect, kBody), response_context(kId));
  EXPECT_EQ(silent->progress(progress), "");
  Json body = kBody;
  body["return_progress"] = true;
  const auto writer = dialect->writer(request_for(*dialect, body), response_context(kId));
  std::string stream = writer->start(Started{});
  stream += writer->progress(progress);
  const auto events = stream_events(stream);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2]["type"], "keepalive");
  EXPECT_EQ(events[2]["prompt_progress"]["processed"], 512);
  EXPECT_EQ(events[2]["prompt_progress"]["total"], 2048);
}

TEST(OpenAiResponsesStream, AFailureHasWhatWasWrittenAndACodeThatClientsKnow) {
  const auto dialect = make_openai_responses(std::string());
  const auto writer = dialect->writer(request_for(*dialect, kBody), response_context(kId));
  std::string stream = writer->start(Started{});
  ChoiceOutput output;
  output.event = TextDelta{"half"};
  stream += writer->output(output);
  ApiError error;
  error.kind = ApiErrorKind::kInternal;
  error.message = "the logits are not finite";
  stream += writer->fail(error);
  const auto events = stream_events(stream);
  const Json& last = events.back();
  EXPECT_EQ(last["type"], "response.failed");
  EXPECT_EQ(last["response"]["status"], "failed");
  EXPECT_EQ(last["response"]["error"]["code"], "server_error");
  EXPECT_EQ(last["response"]["error"]["message"], "the logits are not finite");
}

TEST(OpenAiResponsesStream, AFailureBeforeTheStartBeginsTheResponseFirst) {
  const auto dialect = make_openai_responses(std::string());
  const auto writer = dialect->writer(request_for(*dialect, kBody), response_context(kId));
  ApiError error;
  error.kind = ApiErrorKind::kContextOverflow;
  const auto events = stream_events(writer->fail(error));
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0]["type"], "response.created");
  EXPECT_EQ(events[1]["response"]["error"]["code"], "context_length_exceeded");
}

TEST(OpenAiResponsesStream, LogprobsGoWithTheirText) {
  const auto dialect = make_openai_responses(std::string());
  Json body = kBody;
  body["top_logprobs"] = 1;
  const auto writer = dialect->writer(request_for(*dialect, body), response_context(kId));
  std::string stream = writer->start(Started{});
  ChoiceOutput output;
  output.event = TextDelta{"\u00e9!"};
  ChoiceOutput::Token first{"\xc3", -0.5F, {}};
  first.alternatives.emplace_back("\xc3", -0.5F);
  output.tokens = {first, ChoiceOutput::Token{"\xa9!", -INFINITY, {}}};
  stream += writer->output(output);
  stream += writer->end_choice(ChoiceEnd{});
  stream += writer->finish(Finished{});
  const auto events = stream_events(stream);
  const Json logprobs = events.back()["response"]["output"][0]["content"][0]["logprobs"];
  ASSERT_EQ(logprobs.size(), 2U);
  EXPECT_EQ(logprobs[0]["bytes"], Json::array({0xc3}));
  EXPECT_EQ(logprobs[0]["logprob"], -0.5);
  EXPECT_EQ(logprobs.at(0).at("top_logprobs").at(0).at("logprob"), -0.5);
  EXPECT_EQ(logprobs[1]["logprob"], -9999.0);
  EXPECT_EQ(fold(events)["output"], events.back()["response"]["output"]);
}

TEST(OpenAiResponsesStream, TheMarkerBeforeAMessageIsNoneOfItsTokens) {
  const auto count = [](const std::vector<std::string>& tokens, const std::string& text) {
    std::vector<ChoiceOutput::Token> list;
    for (const std::string& bytes : tokens) list.push_back(ChoiceOutput::Token{bytes, -1, {}});
    return tokens_of_text(list, text).size();
  };
  EXPECT_EQ(count({"</think>", "\n\n", "Hel", "lo"}, "Hello"), 2U);
  EXPECT_EQ(count({"Hel", "lo"}, "Hello"), 2U);
  EXPECT_EQ(count({"</think>", "\n\n", "\n", "x"}, "\nx"), 2U);
  EXPECT_EQ(count({"</think>", "\n\n", "a", " <"}, "a "), 2U);  // "<" waits for what follows
  EXPECT_EQ(count({"</think>", "\n\n", "a"}, "ab"), 1U);
  EXPECT_EQ(count({"other"}, "text"), 1U);
}

}  // namespace
}  // namespace jevons
