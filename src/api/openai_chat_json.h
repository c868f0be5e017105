// Members of a chat message and of a delta, as JSON text. A delta and a message are written by the
// same functions, so that the deltas of a stream add up to the message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"

namespace jevons {

/// "reasoning_content":TEXT and, with `details`, "reasoning_details":[...].
[[nodiscard]] std::string reasoning_members(std::string_view text, bool details);

/// A call as an item of "tool_calls"; `index` only in a delta (else npos).
[[nodiscard]] std::string tool_call_json(std::size_t index, const ToolCall& call);

using OutputTokens = std::vector<ChoiceOutput::Token>;

/// Tokens of a delta, apart. The end of the reasoning and the line ends behind it are not tokens of
/// the text.
struct ChatTokens {
  OutputTokens content{}, reasoning{};

  void add(const ChoiceOutput& output);
};

/// {"content":[...],"refusal":null}, with the tokens of the reasoning beside; null if there are
/// none.
[[nodiscard]] std::string chat_logprobs_json(const ChatTokens& tokens);

}  // namespace jevons
