// A conversation as plain data: what endpoints translate to and the prompt is rendered from.
// Plain values: any thread may hold its own copy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jevons {

enum class Role : std::uint8_t { kSystem, kUser, kAssistant, kTool };

/// Text of a message. One string and a list of one string are told apart because the chat format
/// writes tool results differently: a string becomes one <response>, a list one for each part.
struct Content {
  std::vector<std::string> parts;
  bool is_list = false;  // false: at most one part, not empty

  Content() = default;
  Content(std::string text) {
    if (!text.empty()) parts.push_back(std::move(text));
  }
  Content(const char* text) : Content(std::string(text)) {}
  explicit Content(std::vector<std::string> list) : parts(std::move(list)), is_list(true) {}

  /// All parts without anything between them, as the chat format joins them.
  [[nodiscard]] std::string joined() const {
    std::string text;
    for (const std::string& part : parts) text += part;
    return text;
  }

  bool operator==(const Content&) const = default;
};

struct ToolCall {
  std::string id{};
  std::string name{};
  /// Text of a JSON object; the order of its keys is the order of the parameters in the prompt.
  std::string arguments = "{}";

  bool operator==(const ToolCall&) const = default;
};

struct Message {
  Role role = Role::kUser;
  Content content{};
  /// Assistant. Absent means "not given apart": then a <think> block inside the content counts
  /// as the reasoning, as in the model's own template. Empty means that there was none.
  std::optional<std::string> reasoning{};
  std::vector<ToolCall> tool_calls{};                             // assistant
  std::string tool_call_id{};                                     // tool: the call it answers
  std::optional<std::string> current_date{}, current_location{};  // first system message only

  bool operator==(const Message&) const = default;
};

struct ToolDefinition {
  std::string name{};
  std::string description{};
  std::string parameters{};  // JSON schema text of an object; empty if the tool declares none
  /// The whole function object as JSON text, keys in the order in which they came. The prompt
  /// shows exactly this object, unknown keys included.
  std::string function_json{};
  /// False: may be called, but the prompt's list of tools leaves it out, because a later message
  /// introduces it.
  bool is_listed = true;

  bool operator==(const ToolDefinition&) const = default;
};

struct ChatRequest {
  std::vector<Message> messages{};
  std::vector<ToolDefinition> tools{};
  /// What was understood but left out (image parts, tool types that are not functions), each
  /// with its path. For the log or a response field; never empty silence.
  std::vector<std::string> warnings{};
};

}  // namespace jevons
