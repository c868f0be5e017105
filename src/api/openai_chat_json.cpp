#include "api/openai_chat_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <variant>

#include "api/openai_response.h"
#include "base/utf8.h"
#include "text/json_value.h"
#include "text/m2_markers.h"

namespace jevons {
namespace {

/// "token":...,"logprob":...,"bytes":[...]. The text of a token that is half a character is not
/// itself text; its bytes are exact.
std::string token_members(std::string_view bytes, float logprob) {
  std::string list;
  for (const char byte : bytes) {
    if (!list.empty()) list += ',';
    list += fmt::format("{}", static_cast<unsigned>(static_cast<unsigned char>(byte)));
  }
  return fmt::format(R"("token":{},"logprob":{},"bytes":[{}])", json_string(utf8_sanitize(bytes)),
                     logprob_json(logprob), list);
}

std::string tokens_json(std::span<const ChoiceOutput::Token> tokens) {
  if (tokens.empty()) return "null";
  std::string json;
  for (const ChoiceOutput::Token& token : tokens) {
    json += fmt::format(R"({}{{{},"top_logprobs":[)", json.empty() ? "[" : ",",
                        token_members(token.bytes, token.logprob));
    for (std::size_t i = 0; i < token.alternatives.size(); ++i) {
      const auto& [bytes, logprob] = token.alternatives[i];
      json += fmt::format("{}{{{}}}", i > 0 ? "," : "", token_members(bytes, logprob));
    }
    json += "]}";
  }
  return json + "]";
}

}  // namespace

std::string reasoning_members(std::string_view text, bool details) {
  const std::string quoted = json_string(text);
  std::string json = fmt::format(R"("reasoning_content":{})", quoted);
  if (details) {
    json += fmt::format(R"(,"reasoning_details":[{{"type":"reasoning.text",)"
                        R"("id":"reasoning-text-1","format":"MiniMax-response-v1","index":0,)"
                        R"("text":{}}}])",
                        quoted);
  }
  return json;
}

std::string tool_call_json(std::size_t index, const ToolCall& call) {
  std::string json = "{";
  if (index != std::string::npos) json += fmt::format(R"("index":{},)", index);
  return json +
         fmt::format(R"("id":{},"type":"function","function":{{"name":{},"arguments":{}}}}})",
                     json_string(call.id), json_string(call.name), json_string(call.arguments));
}

void ChatTokens::add(const ChoiceOutput& output) {
  const OutputTokens& tokens = output.tokens;
  if (std::holds_alternative<ReasoningDelta>(output.event)) {
    reasoning.insert(reasoning.end(), tokens.begin(), tokens.end());
    return;
  }
  const auto* const text = std::get_if<TextDelta>(&output.event);
  if (text == nullptr || text->text.empty()) return;
  auto first = std::ranges::find(tokens, kThinkEnd, &ChoiceOutput::Token::bytes);
  if (first == tokens.end()) {
    first = tokens.begin();
  } else {
    reasoning.insert(reasoning.end(), tokens.begin(), first);
    first = std::find_if(first + 1, tokens.end(), [](const ChoiceOutput::Token& token) {
      return token.bytes.find_first_not_of('\n') != std::string::npos;
    });
  }
  content.insert(content.end(), first, tokens.end());
}

std::string chat_logprobs_json(const ChatTokens& tokens) {
  if (tokens.content.empty() && tokens.reasoning.empty()) return "null";
  std::string json = fmt::format(R"({{"content":{},"refusal":null)", tokens_json(tokens.content));
  if (!tokens.reasoning.empty()) {
    json += fmt::format(R"(,"reasoning_content":{})", tokens_json(tokens.reasoning));
  }
  return json + "}";
}

}  // namespace jevons
