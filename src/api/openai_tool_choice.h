// Which tools a chat request lets the model call: tool_choice, parallel_tool_calls and the older
// function_call. Pure functions, any thread.
#pragma once

#include <span>

#include "api/generation.h"
#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// Errors: a shape that is not known, a tool that is not among `tools`, a call demanded of none.
[[nodiscard]] Parsed<ToolChoice> read_tool_choice(const JsonValue& root,
                                                  std::span<const ToolDefinition> tools);

}  // namespace jevons
