// The tools of a Responses request as the functions that the chat format knows, and the way back
// from a call's name to the tool that the client declared. Plain data and pure functions, any
// thread.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"
#include "api/request_fields.h"
#include "text/chat.h"
#include "text/json_value.h"

namespace jevons {

/// A tool as its client calls it.
struct ResponsesTool {
  std::string name;
  std::string name_space{};  // of tools of type "namespace"; "" for others
  bool is_custom = false;    // its input is text rather than JSON
};

struct ResponsesTools {
  std::vector<ToolDefinition> definitions;
  std::map<std::string, ResponsesTool, std::less<>> by_name;  // the name shown to the model
};

/// The name that the model sees: that of the namespace and of the tool with "__" between them.
[[nodiscard]] std::string shown_tool_name(std::string_view name_space, std::string_view name);

/// Adds a list of tools. Those that only a hosted service can run are left out with a warning.
/// A tool of type "custom" is shown as a function with one string, `input`.
[[nodiscard]] Parsed<void> read_responses_tools(const JsonValue& list, const std::string& path,
                                                ResponsesTools& tools,
                                                std::vector<std::string>& warnings);

/// `choice`: the member tool_choice.
[[nodiscard]] Parsed<ToolChoice> read_responses_tool_choice(const JsonValue& choice,
                                                            const ResponsesTools& tools);

/// The arguments of the function that stands for a custom tool, and the input back from them: the
/// string `input`, or the whole JSON if the model wrote something else.
[[nodiscard]] std::string custom_arguments(std::string_view input);
[[nodiscard]] std::string custom_input(std::string_view arguments_json);

}  // namespace jevons
