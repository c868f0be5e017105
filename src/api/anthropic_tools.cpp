#include "api/anthropic_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

void add_member(JsonValue& object, std::string_view key, JsonValue value) {
  object.keys.emplace_back(key);
  object.items.push_back(std::move(value));
}

JsonValue json_text(std::string text) {
  JsonValue value;
  value.kind = JsonValue::Kind::kString;
  value.text = std::move(text);
  return value;
}

/// The function object as the model was trained to see it.
std::string function_json(const ToolDefinition& tool, const JsonValue& schema) {
  JsonValue function;
  function.kind = JsonValue::Kind::kObject;
  add_member(function, "name", json_text(tool.name));
  if (!tool.description.empty()) add_member(function, "description", json_text(tool.description));
  add_member(function, "parameters", schema);
  return python_json(function);
}

/// What a name may be so that the parser of answers finds it again.
bool can_be_called(std::string_view name) {
  constexpr std::size_t kLongestName = 512;
  return !name.empty() && name.size() <= kLongestName &&
         name.find_first_of("\n\r\"'<>") == std::string_view::npos;
}

bool is_server_side_search(const JsonValue& tool) {
  const JsonValue* const type = tool.find("type");
  return type != nullptr && type->text.starts_with("tool_search_tool_");
}

}  // namespace

ToolDefinition* find_tool(ChatRequest& chat, std::string_view name) {
  const auto found = std::ranges::find(chat.tools, name, &ToolDefinition::name);
  return found == chat.tools.end() ? nullptr : &*found;
}

std::string tool_introduction(const ToolDefinition& tool) {
  return fmt::format("<tools>\n<tool>{}</tool>\n</tools>", tool.function_json);
}

Parsed<std::optional<ToolDefinition>> read_anthropic_tool(const JsonValue& tool,
                                                          const std::string& path,
                                                          ChatRequest& chat) {
  if (!tool.is_object()) return wrong_kind_of_field(path, tool, "an object");
  JEVONS_ASSIGN(const auto type, string_field(tool, "type", path));
  if (type.value_or("custom") != "custom") {
    chat.warnings.push_back(
        fmt::format("{}: a tool of type \"{}\" is left out: only tools with an input_schema can "
                    "be called here",
                    path, *type));
    return std::nullopt;
  }
  ToolDefinition definition;
  JEVONS_ASSIGN(definition.name, required_string(tool, "name", path));
  if (!can_be_called(definition.name)) {
    return invalid_field(member_path(path, "name"),
                         "expected 1 to 512 bytes without line ends, quotes, < and >");
  }
  if (find_tool(chat, definition.name) != nullptr) {
    return invalid_field(member_path(path, "name"),
                         fmt::format("there are two tools called \"{}\"", definition.name));
  }
  JEVONS_ASSIGN(const auto description, string_field(tool, "description", path));
  definition.description = description.value_or("");
  const JsonValue* const schema = set_field(tool, "input_schema");
  const std::string schema_path = member_path(path, "input_schema");
  if (schema == nullptr) {
    return invalid_field(schema_path, "missing, expected a JSON schema of an object");
  }
  if (!schema->is_object())
    return wrong_kind_of_field(schema_path, *schema, "a JSON schema object");
  definition.parameters = python_json(*schema);
  definition.function_json = function_json(definition, *schema);
  JEVONS_ASSIGN(const bool is_deferred, boolean_field(tool, "defer_loading", path, false));
  definition.is_listed = !is_deferred;
  return definition;
}

Parsed<void> read_anthropic_tools(const JsonValue& root, ChatRequest& chat) {
  const JsonValue* const tools = set_field(root, "tools");
  if (tools == nullptr) return {};
  if (!tools->is_array()) return wrong_kind_of_field("tools", *tools, "a list of tools");
  for (std::size_t i = 0; i < tools->items.size(); ++i) {
    JEVONS_ASSIGN(auto tool, read_anthropic_tool(tools->items[i], item_path("tools", i), chat));
    if (tool) chat.tools.push_back(*std::move(tool));
  }
  if (std::ranges::any_of(tools->items, is_server_side_search) ||
      std::ranges::none_of(chat.tools, &ToolDefinition::is_listed)) {
    for (ToolDefinition& tool : chat.tools) tool.is_listed = true;
  }
  return {};
}

Parsed<ToolChoice> read_anthropic_tool_choice(const JsonValue& root, const ChatRequest& chat) {
  ToolChoice choice;
  const JsonValue* const json = set_field(root, "tool_choice");
  if (json == nullptr) return choice;
  const std::string path = "tool_choice";
  if (!json->is_object()) return wrong_kind_of_field(path, *json, "an object with a type");
  JEVONS_ASSIGN(const std::string type, required_string(*json, "type", path));
  JEVONS_ASSIGN(const bool one_at_most,
                boolean_field(*json, "disable_parallel_tool_use", path, false));
  choice.parallel = !one_at_most;
  if (type == "auto") return choice;
  if (type == "none") {
    choice.kind = ToolChoice::Kind::kNone;
    return choice;
  }
  if (type != "any" && type != "tool") {
    return invalid_field("tool_choice.type",
                         fmt::format("is \"{}\", expected auto, any, tool or none", type));
  }
  if (chat.tools.empty()) {
    return invalid_field(path, "demands a call, but the request has no tools that can be called");
  }
  choice.kind = ToolChoice::Kind::kRequired;
  if (type == "any") return choice;
  choice.kind = ToolChoice::Kind::kNamed;
  JEVONS_ASSIGN(choice.name, required_string(*json, "name", path));
  if (std::ranges::find(chat.tools, choice.name, &ToolDefinition::name) == chat.tools.end()) {
    return invalid_field(
        "tool_choice.name",
        fmt::format("there is no tool called \"{}\" that can be called", choice.name));
  }
  return choice;
}

}  // namespace jevons
