#include "openai_case.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>

#include "text/chat_json.h"
#include "text/json_value.h"

namespace jevons {
namespace {

using nlohmann::json;

void trim_line_ends(std::string& text) {
  while (text.ends_with('\n')) text.pop_back();
}

StopReason stop_reason(const std::string& name) {
  for (const StopReason reason :
       {StopReason::kEndOfTurn, StopReason::kStopString, StopReason::kMaxTokens,
        StopReason::kContextFull, StopReason::kCancelled, StopReason::kDeadline}) {
    static constexpr const char* kNames[] = {"stop",    "stop_string", "length",
                                             "context", "cancelled",   "deadline"};
    if (name == kNames[static_cast<int>(reason)]) return reason;
  }
  ADD_FAILURE() << "unknown reason " << name;
  return StopReason::kEndOfTurn;
}

std::vector<ChoiceOutput::Token> tokens_of(const json& list) {
  std::vector<ChoiceOutput::Token> tokens;
  for (const json& item : list) {
    ChoiceOutput::Token token{item.at(0), item.at(1), {}};
    if (item.size() > 2) {
      for (const json& other : item.at(2))
        token.alternatives.emplace_back(other.at(0), other.at(1));
    }
    tokens.push_back(std::move(token));
  }
  return tokens;
}

OutputEvent output_event(const std::string& name, const json& event) {
  if (name == "reasoning") return ReasoningDelta{event.at(2)};
  if (name == "text") return TextDelta{event.at(2)};
  if (name == "warning") return OutputWarning{event.at(2)};
  const std::size_t index = event.at(2);
  if (name == "call") return ToolCallBegin{index, event.at(3), event.at(4)};
  if (name == "arguments") return ToolArgumentsDelta{index, event.at(3)};
  return ToolCallEnd{index, event.at(3)};
}

std::string play(ResponseWriter& writer, const json& event) {
  const std::string name = event.at(0);
  if (name == "ping") return writer.ping();
  if (name == "start") {
    Started started{event.at(1), event.at(2)};
    if (event.size() > 3) started.prompt_text = event.at(3);
    return writer.start(started);
  }
  if (name == "progress") {
    Progress progress{event.at(1), event.at(2), event.at(3), event.at(4)};
    if (event.size() > 5) progress.eta_s = event.at(5);
    return writer.progress(progress);
  }
  if (name == "end") {
    ChoiceEnd end;
    end.choice = event.at(1);
    end.reason = stop_reason(event.at(2));
    end.has_tool_calls = event.at(3);
    return writer.end_choice(end);
  }
  if (name == "finish") {
    Finished finished;
    finished.usage = {event.at(1), event.at(2), event.at(3), event.at(4), event.at(5)};
    return writer.finish(finished);
  }
  if (name == "fail") {
    return writer.fail(
        {.kind = static_cast<ApiErrorKind>(event.at(1).get<int>()), .message = event.at(2)});
  }
  ChoiceOutput output{event.at(1), output_event(name, event)};
  if (event.size() > 3 && event.at(3).is_array()) output.tokens = tokens_of(event.at(3));
  return writer.output(output);
}

/// Facts about a request, each on a line of its own.
class Facts {
 public:
  template <typename T>
  void add(std::string_view name, const T& value) {
    text_ += fmt::format("{} = {}\n", name, value);
  }
  template <typename T>
  void add_unless(std::string_view name, const T& value, const T& usual) {
    if (value != usual) add(name, value);
  }
  template <typename T>
  void add_if_set(std::string_view name, const std::optional<T>& value) {
    if (value) add(name, *value);
  }
  std::string take() {
    trim_line_ends(text_);
    return std::move(text_);
  }

 private:
  std::string text_;
};

void add_input(Facts& facts, const GenerationRequest& request) {
  if (const auto* texts = std::get_if<std::vector<std::string>>(&request.input)) {
    for (const std::string& text : *texts) facts.add("prompt", json_string(text));
  } else if (const auto* lists =
                 std::get_if<std::vector<std::vector<std::int32_t>>>(&request.input)) {
    for (const auto& ids : *lists) facts.add("ids", fmt::format("{}", fmt::join(ids, ",")));
  } else {
    const auto& chat = std::get<ChatRequest>(request.input);
    facts.add("messages", messages_to_json(chat.messages));
    for (const ToolDefinition& tool : chat.tools) facts.add("tool", tool.function_json);
    for (const std::string& warning : chat.warnings) facts.add("warning", warning);
  }
}

void add_choice(Facts& facts, const ToolChoice& choice) {
  static constexpr const char* kKinds[] = {"auto", "none", "required", "named"};
  facts.add_unless("tool_choice", std::string(kKinds[static_cast<int>(choice.kind)]),
                   std::string("auto"));
  facts.add_unless("tool_choice.name", choice.name, std::string());
  for (const std::string& name : choice.allowed) facts.add("tool_choice.allowed", name);
  facts.add_unless("tool_choice.parallel", choice.parallel, true);
}

void add_sampling(Facts& facts, const SamplingWish& sampling) {
  facts.add_if_set("temperature", sampling.temperature);
  facts.add_if_set("top_p", sampling.top_p);
  facts.add_if_set("top_k", sampling.top_k);
  facts.add_if_set("min_p", sampling.min_p);
  facts.add_if_set("presence_penalty", sampling.presence_penalty);
  facts.add_if_set("frequency_penalty", sampling.frequency_penalty);
  facts.add_if_set("repetition_penalty", sampling.repetition_penalty);
  facts.add_if_set("seed", sampling.seed);
  for (const auto& [id, bias] : sampling.logit_bias) {
    facts.add("logit_bias", fmt::format("{} {}", id, bias));
  }
}

}  // namespace

OpenAiCase OpenAiCase::read(const std::filesystem::path& path) {
  OpenAiCase made;
  made.path_ = path;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("-- ")) {
      made.sections_.emplace_back(line.substr(3), "");
    } else if (!made.sections_.empty()) {
      made.sections_.back().second += line + "\n";
    }
  }
  for (auto& [name, text] : made.sections_) trim_line_ends(text);
  return made;
}

std::string OpenAiCase::section(std::string_view name) const {
  for (const auto& [section, text] : sections_) {
    if (section == name) return text;
  }
  return "";
}

void OpenAiCase::expect(std::string_view name, const std::string& text) {
  std::string trimmed = text;
  trim_line_ends(trimmed);
  if (std::getenv("JEVONS_WRITE_CASES") == nullptr) {
    EXPECT_EQ(trimmed, section(name)) << path_ << ", section " << name;
    return;
  }
  const auto known =
      std::ranges::find(sections_, name, &std::pair<std::string, std::string>::first);
  if (known != sections_.end()) {
    known->second = trimmed;
  } else {
    sections_.emplace_back(name, trimmed);
  }
  std::ofstream file(path_);
  for (const auto& [section, content] : sections_) {
    file << "-- " << section << "\n" << content << "\n";
  }
}

std::vector<std::filesystem::path> openai_cases(std::string_view folder) {
  std::vector<std::filesystem::path> cases;
  const auto whole = std::filesystem::path(JEVONS_SOURCE_DIR) / "tests/data/api" / folder;
  for (const auto& entry : std::filesystem::directory_iterator(whole)) {
    if (entry.path().extension() == ".case") cases.push_back(entry.path());
  }
  std::ranges::sort(cases);
  return cases;
}

std::string describe_request(const GenerationRequest& request) {
  static constexpr const char* kFormats[] = {"text", "json_object", "json_schema"};
  Facts facts;
  facts.add_unless("model", request.model, std::string());
  add_input(facts, request);
  add_choice(facts, request.tool_choice);
  facts.add_unless("format", std::string(kFormats[static_cast<int>(request.format.kind)]),
                   std::string("text"));
  facts.add_unless("format.schema", request.format.schema_json, std::string());
  facts.add_unless("format.strict", request.format.strict, false);
  facts.add_unless("thinking.enabled", request.thinking.enabled, true);
  facts.add_unless("thinking.shown", request.thinking.shown, true);
  facts.add_if_set("thinking.budget", request.thinking.budget_tokens);
  facts.add_unless("thinking.asked", request.thinking.asked, std::string());
  add_sampling(facts, request.sampling);
  facts.add_if_set("max_tokens", request.max_tokens);
  for (const std::string& stop : request.stop) facts.add("stop", json_string(stop));
  facts.add_unless("n", request.n, 1);
  facts.add_unless("n_logprobs", request.n_logprobs, -1);
  facts.add_unless("echo", request.echo, false);
  facts.add_unless("stream", request.stream, false);
  facts.add_unless("return_progress", request.return_progress, false);
  if (request.priority) facts.add("priority", static_cast<int>(*request.priority));
  for (const std::string& warning : request.warnings) facts.add("warning", warning);
  return facts.take();
}

std::string play_openai_events(ResponseWriter& writer, std::string_view events) {
  std::istringstream lines{std::string(events)};
  std::string bytes, line;
  while (std::getline(lines, line)) {
    if (!line.empty()) bytes += play(writer, json::parse(line));
  }
  return bytes;
}

ResponseContext openai_test_context() {
  return {
      .id = "0123456789abcdefghijklmn", .created = 1790000000, .model_id = "nano", .key_name = ""};
}

}  // namespace jevons
