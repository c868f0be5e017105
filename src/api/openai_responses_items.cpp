#include "api/openai_responses_items.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "api/openai_responses_reasoning.h"
#include "api/openai_responses_tools.h"
#include "api/request_fields.h"
#include "base/utf8.h"

namespace jevons {
namespace {

using Kind = ResponsesItem::Kind;

bool is_in_progress(const ResponsesItem& item) {
  return std::string_view(item.status) == "in_progress";
}

std::string reasoning_json(const ResponsesItem& item, const ReasoningStyle& style) {
  std::string part;
  if (!is_in_progress(item)) part = part_json(item, item.text, style);
  std::string json =
      fmt::format(R"({{"id":"{}","type":"reasoning","status":"{}","summary":[{}])", item.id,
                  item.status, style.summarised ? std::string_view(part) : std::string_view());
  if (!style.summarised) json += fmt::format(R"(,"content":[{}])", part);
  if (style.encoded && !is_in_progress(item)) {
    json += fmt::format(R"(,"encrypted_content":"{}")", encode_reasoning(item.text));
  }
  return json + "}";
}

std::string call_json(const ResponsesItem& item) {
  const bool is_custom = item.kind == Kind::kCustomCall;
  std::string json = fmt::format(R"({{"id":"{}","type":"{}","status":"{}","call_id":{},"name":{})",
                                 item.id, is_custom ? "custom_tool_call" : "function_call",
                                 item.status, json_string(item.call_id), json_string(item.name));
  if (!item.name_space.empty()) {
    json += fmt::format(R"(,"namespace":{})", json_string(item.name_space));
  }
  return json + fmt::format(R"(,"{}":{}}})", is_custom ? "input" : "arguments",
                            json_string(is_in_progress(item) ? std::string_view()
                                                             : std::string_view(item.text)));
}

/// JSON has no infinity; a probability of zero is told as a very small one.
std::string number_json(float logprob) {
  constexpr float kLeast = -9999.0F;
  return fmt::format("{}", std::isfinite(logprob) ? std::max(logprob, kLeast) : kLeast);
}

std::string token_json(std::string_view bytes, float logprob) {
  std::string list;
  for (const char byte : bytes) {
    add_to_list(list, fmt::format("{}", static_cast<unsigned char>(byte)));
  }
  return fmt::format(R"("token":{},"bytes":[{}],"logprob":{})", json_string(utf8_sanitize(bytes)),
                     list, number_json(logprob));
}

JsonValue string_value(std::string_view text) {
  JsonValue value;
  value.kind = JsonValue::Kind::kString;
  value.text = text;
  return value;
}

/// Begins `item` with a member, or replaces the one it has.
void set_first(JsonValue& item, std::string_view key, JsonValue value) {
  const auto found = std::find(item.keys.begin(), item.keys.end(), key);
  if (found != item.keys.end()) {
    item.items[static_cast<std::size_t>(found - item.keys.begin())] = std::move(value);
    return;
  }
  item.keys.emplace(item.keys.begin(), key);
  item.items.insert(item.items.begin(), std::move(value));
}

/// A content that is a string as a list of one part.
void set_parts(JsonValue& message) {
  const JsonValue* const content = set_field(message, "content");
  if (content == nullptr || !content->is_string()) return;
  const JsonValue* const role = message.find("role");
  const bool is_answer = role != nullptr && role->text == "assistant";
  JsonValue part;
  part.kind = JsonValue::Kind::kObject;
  part.keys = {"type", "text"};
  part.items = {string_value(is_answer ? "output_text" : "input_text"), *content};
  JsonValue list;
  list.kind = JsonValue::Kind::kArray;
  list.items.push_back(std::move(part));
  set_first(message, "content", std::move(list));
}

}  // namespace

std::span<const ChoiceOutput::Token> tokens_of_text(std::span<const ChoiceOutput::Token> tokens,
                                                    std::string_view text) {
  std::string bytes;
  for (const ChoiceOutput::Token& token : tokens) bytes += token.bytes;
  std::string_view rest = bytes;
  for (std::size_t n_before = 0; n_before < tokens.size(); ++n_before) {
    if (rest.starts_with(text) || text.starts_with(rest)) return tokens.subspan(n_before);
    rest.remove_prefix(tokens[n_before].bytes.size());
  }
  return tokens;
}

void add_to_list(std::string& list, std::string_view entry) {
  if (!list.empty()) list += ',';
  list += entry;
}

std::string item_json(const ResponsesItem& item, const ReasoningStyle& style) {
  switch (item.kind) {
    case Kind::kReasoning:
      return reasoning_json(item, style);
    case Kind::kMessage:
      return fmt::format(
          R"({{"id":"{}","type":"message","status":"{}","role":"assistant","content":[{}]}})",
          item.id, item.status,
          is_in_progress(item) ? std::string() : part_json(item, item.text, style));
    case Kind::kFunctionCall:
    case Kind::kCustomCall:
      return call_json(item);
  }
  return {};
}

std::string part_json(const ResponsesItem& item, std::string_view text,
                      const ReasoningStyle& style) {
  if (item.kind == Kind::kReasoning) {
    return fmt::format(R"({{"type":"{}","text":{}}})",
                       style.summarised ? "summary_text" : "reasoning_text", json_string(text));
  }
  return fmt::format(R"({{"type":"output_text","annotations":[],"logprobs":[{}],"text":{}}})",
                     text.empty() ? std::string_view() : std::string_view(item.logprobs),
                     json_string(text));
}

std::string logprob_json(const ChoiceOutput::Token& token) {
  std::string alternatives;
  for (const auto& [bytes, logprob] : token.alternatives) {
    alternatives +=
        fmt::format("{}{{{}}}", alternatives.empty() ? "" : ",", token_json(bytes, logprob));
  }
  return fmt::format(R"({{{},"top_logprobs":[{}]}})", token_json(token.bytes, token.logprob),
                     alternatives);
}

std::string stored_items_json(const std::vector<JsonValue>& earlier,
                              const std::vector<JsonValue>& items, std::string_view id) {
  std::string json;
  for (const JsonValue& item : earlier) add_to_list(json, python_json(item));
  for (std::size_t i = 0; i < items.size(); ++i) {
    JsonValue item = items[i];
    set_parts(item);
    if (set_field(item, "id") == nullptr) {
      set_first(item, "id", string_value(fmt::format("item_{}i{:02}", id, i)));
    }
    if (set_field(item, "type") == nullptr) set_first(item, "type", string_value("message"));
    add_to_list(json, python_json(item));
  }
  return fmt::format("[{}]", json);
}

std::string CustomInputReader::push(std::string_view fragment) {
  json_ += fragment;
  const std::size_t n_before = input_.size();
  if (!is_over_ && (is_inside_ || skip_to_value())) decode_value();
  return input_.substr(n_before);
}

/// Over the first bytes of the object, if it begins with the string "input". False: not there yet,
/// or it begins otherwise.
bool CustomInputReader::skip_to_value() {
  constexpr std::string_view kSteps[] = {"{", "\"input\"", ":", "\""};
  std::size_t at = 0;
  for (const std::string_view step : kSteps) {
    while (at < json_.size() && (json_[at] == ' ' || json_[at] == '\n')) ++at;
    const std::string_view here = std::string_view(json_).substr(at, step.size());
    if (here != step) {
      is_over_ = !step.starts_with(here);
      return false;
    }
    at += step.size();
  }
  at_ = at;
  is_inside_ = true;
  return true;
}

/// Up to the closing quote. An escape that is not complete, and the first half of a surrogate
/// pair, wait for what follows.
void CustomInputReader::decode_value() {
  while (at_ < json_.size()) {
    const std::size_t special = std::min(json_.find_first_of("\\\"", at_), json_.size());
    input_.append(json_, at_, special - at_);
    at_ = special;
    if (at_ == json_.size()) return;
    if (json_[at_] == '"') {
      is_over_ = true;
      return;
    }
    std::size_t n_bytes = at_ + 1 < json_.size() && json_[at_ + 1] == 'u' ? 6 : 2;
    if (at_ + n_bytes > json_.size()) return;
    const bool is_half =
        n_bytes == 6 && (json_[at_ + 2] == 'd' || json_[at_ + 2] == 'D') && json_[at_ + 3] >= '8';
    if (is_half) n_bytes = 12;
    if (at_ + n_bytes > json_.size()) return;
    const auto decoded =
        parse_json(fmt::format("\"{}\"", std::string_view(json_).substr(at_, n_bytes)));
    if (!decoded) {
      is_over_ = true;
      return;
    }
    input_ += decoded->text;
    at_ += n_bytes;
  }
}

std::string CustomInputReader::finish() {
  std::string whole = custom_input(json_);
  if (!whole.starts_with(input_)) return {};
  std::string rest = whole.substr(input_.size());
  input_ = std::move(whole);
  return rest;
}

}  // namespace jevons
