// The tools of a request in the Anthropic dialect. Tools with a schema of the client's are
// offered to the model; tools that the API's own servers would run, or whose schema they would
// supply, are left out with a warning.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/generation.h"
#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// `root.tools` into `chat.tools`. Tools that say defer_loading are offered but not listed, for
/// tool_reference blocks to introduce; all are listed if the request counts on a tool search that
/// only the API's servers have.
[[nodiscard]] Parsed<void> read_anthropic_tools(const JsonValue& root, ChatRequest& chat);

/// One tool; nothing, and a warning in `chat`, if it is one that is left out.
[[nodiscard]] Parsed<std::optional<ToolDefinition>> read_anthropic_tool(const JsonValue& tool,
                                                                        const std::string& path,
                                                                        ChatRequest& chat);

/// `root.tool_choice`. Fails if it demands a tool that is not among `chat.tools`.
[[nodiscard]] Parsed<ToolChoice> read_anthropic_tool_choice(const JsonValue& root,
                                                            const ChatRequest& chat);

[[nodiscard]] ToolDefinition* find_tool(ChatRequest& chat, std::string_view name);

/// The tool as the list of tools in the prompt shows it, for a place in the conversation.
[[nodiscard]] std::string tool_introduction(const ToolDefinition& tool);

}  // namespace jevons
