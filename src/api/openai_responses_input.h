// The input of a Responses request, a list of items, as the messages of a conversation. Items of
// one assistant's turn (reasoning, text, calls) become one message. Pure functions, any thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// The item of an id, for items that are given by reference alone.
using FindItem = std::function<std::optional<JsonValue>(std::string_view id)>;

struct ResponsesInput {
  std::vector<Message> messages;
  std::vector<JsonValue> items;       // as they came, references replaced by what they name
  std::vector<JsonValue> tool_lists;  // tools that items bring along
  std::vector<std::string> warnings;
};

/// `input`: a text or a list of items, at `path`. Adds to what `into` already has: a list that goes
/// on in an assistant's turn goes on with its message.
[[nodiscard]] Parsed<void> read_responses_input(const JsonValue& input, const std::string& path,
                                                const FindItem& find_item, ResponsesInput& into);

}  // namespace jevons
