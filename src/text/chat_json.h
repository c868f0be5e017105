// Conversations and tools from and to OpenAI-shaped JSON. Pure functions, any thread.
//
// Lenient where real clients differ: content may be null, a string or a list of parts; arguments
// a JSON string or an object; a call flat or wrapped in {"type":"function","function":{}}; the
// role "developer" is "system"; the reasoning is in reasoning_content, reasoning or
// reasoning_details; function_call and functions, the older names of one call and of the tools;
// unknown fields are ignored. What is left out (parts that are not text, tools that are not
// functions) is named in the warnings. Errors name the path:
// "messages[3].tool_calls[0].function.arguments: ...".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

struct ChatJsonOptions {
  /// A part that is not text is shown as a short text that says so, so that the model knows that
  /// something was there. False: as an empty text, as in the model's template.
  bool placeholders = false;
};

/// `root`: an object with "messages" and, if there are any, "tools" or "functions".
[[nodiscard]] Result<ChatRequest> read_chat_request(const JsonValue& root,
                                                    const ChatJsonOptions& options = {});

/// The same from JSON text.
[[nodiscard]] Result<ChatRequest> parse_chat_request(std::string_view json);

/// `json`: a list of tools.
[[nodiscard]] Result<std::vector<ToolDefinition>> parse_tools(std::string_view json);

/// A list of messages that parse_chat_request reads back unchanged.
[[nodiscard]] std::string messages_to_json(std::span<const Message> messages);

}  // namespace jevons
