// The tools that `jevons run --tools` offers to the model and runs itself. Any thread.
#pragma once

#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat.h"

namespace jevons {

/// Definitions of the tools named in `names`, separated by commas. Errors name the one that is not
/// known and those that are.
[[nodiscard]] Result<std::vector<ToolDefinition>> builtin_tools(std::string_view names);

/// The tool's answer. A tool that is not offered, or arguments that make no sense, give a text that
/// begins with "error: ", for the model to read.
[[nodiscard]] std::string run_builtin_tool(const ToolCall& call,
                                           const std::vector<ToolDefinition>& offered);

/// "Monday, 2026-11-23 22:43", in local time.
[[nodiscard]] std::string clock_text(std::time_t now);

}  // namespace jevons
