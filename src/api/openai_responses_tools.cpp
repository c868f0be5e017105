#include "api/openai_responses_tools.h"

#include <utility>

#include "api/openai_responses_json.h"

namespace jevons {
namespace {

JsonValue json_text(std::string text) {
  JsonValue value;
  value.kind = JsonValue::Kind::kString;
  value.text = std::move(text);
  return value;
}

JsonValue empty_object() {
  JsonValue object;
  object.kind = JsonValue::Kind::kObject;
  return object;
}

void add_member(JsonValue& object, std::string key, JsonValue value) {
  object.keys.push_back(std::move(key));
  object.items.push_back(std::move(value));
}

class ToolReader {
 public:
  ToolReader(ResponsesTools& tools, std::vector<std::string>& warnings)
      : tools_(tools), warnings_(warnings) {}

  Parsed<void> read_list(const JsonValue& list, const std::string& path,
                         const std::string& name_space) {
    if (!list.is_array()) return wrong_kind_of_field(path, list, "a list of tools");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      JEVONS_TRY(read_tool(list.items[i], item_path(path, i), name_space));
    }
    return {};
  }

 private:
  Parsed<void> read_tool(const JsonValue& tool, const std::string& path,
                         const std::string& name_space) {
    if (!tool.is_object()) return wrong_kind_of_field(path, tool, "an object");
    JEVONS_ASSIGN(const auto type, string_field(tool, "type", path));
    if (type == "function" || !type) return read_function(tool, path, name_space);
    if (type == "custom") return read_custom(tool, path, name_space);
    if (type == "namespace" && name_space.empty()) {
      JEVONS_ASSIGN(const std::string name, name_field(tool, "name", path));
      const JsonValue* const nested = set_field(tool, "tools");
      if (nested == nullptr) return {};
      return read_list(*nested, member_path(path, "tools"), name);
    }
    warnings_.push_back(fmt::format("{}: a tool of type \"{}\" is left out", path, *type));
    return {};
  }

  /// The chat format shows name, description and parameters. What else a client says of a function
  /// is for the service, and is not part of what the model was trained on.
  Parsed<void> read_function(const JsonValue& tool, const std::string& path,
                             const std::string& name_space) {
    // Clients that know the other endpoint better wrap the function.
    JEVONS_ASSIGN(const JsonValue* const wrapped, object_field(tool, "function", path));
    const JsonValue& function = wrapped != nullptr ? *wrapped : tool;
    const std::string at = wrapped != nullptr ? member_path(path, "function") : path;
    JEVONS_ASSIGN(const std::string name, name_field(function, "name", at));
    JEVONS_ASSIGN(const auto description, string_field(function, "description", at));
    JEVONS_ASSIGN(const JsonValue* const parameters, object_field(function, "parameters", at));

    JsonValue shown = empty_object();
    ToolDefinition definition;
    definition.name = shown_tool_name(name_space, name);
    add_member(shown, "name", json_text(definition.name));
    if (description) {
      definition.description = *description;
      add_member(shown, "description", json_text(*description));
    }
    if (parameters != nullptr) {
      definition.parameters = python_json(*parameters);
      add_member(shown, "parameters", *parameters);
    }
    definition.function_json = python_json(shown);
    add(std::move(definition), ResponsesTool{name, name_space, false}, path);
    return {};
  }

  Parsed<void> read_custom(const JsonValue& tool, const std::string& path,
                           const std::string& name_space) {
    JEVONS_ASSIGN(const std::string name, name_field(tool, "name", path));
    JEVONS_ASSIGN(const auto description, string_field(tool, "description", path));
    JEVONS_ASSIGN(const std::string about_input, describe_input(tool, path));

    ToolDefinition definition;
    definition.name = shown_tool_name(name_space, name);
    definition.description = description.value_or("");
    definition.parameters = fmt::format(R"({{"type": "object", "properties": {{)"
                                        R"("input": {{"type": "string", "description": {}}}}}, )"
                                        R"("required": ["input"]}})",
                                        json_string(about_input));
    definition.function_json = fmt::format(
        R"({{"name": {}, "description": {}, "parameters": {}}})", json_string(definition.name),
        json_string(definition.description), definition.parameters);
    add(std::move(definition), ResponsesTool{name, name_space, true}, path);
    return {};
  }

  /// What the model is told about the one parameter of a custom tool.
  Parsed<std::string> describe_input(const JsonValue& tool, const std::string& path) {
    std::string text = "The input of the tool, as plain text.";
    JEVONS_ASSIGN(const JsonValue* const format, object_field(tool, "format", path));
    if (format == nullptr) return text;
    const std::string at = member_path(path, "format");
    JEVONS_ASSIGN(const auto definition, string_field(*format, "definition", at));
    if (!definition) return text;
    JEVONS_ASSIGN(const auto syntax, string_field(*format, "syntax", at));
    warnings_.push_back(at + ": the grammar is shown to the model, its output is not held to it");
    return fmt::format("{} It follows this grammar ({}):\n{}", text, syntax.value_or("lark"),
                       *definition);
  }

  void add(ToolDefinition definition, ResponsesTool tool, const std::string& path) {
    if (!tools_.by_name.emplace(definition.name, std::move(tool)).second) {
      warnings_.push_back(
          fmt::format("{}: left out, because another tool is called {}", path, definition.name));
      return;
    }
    tools_.definitions.push_back(std::move(definition));
  }

  ResponsesTools& tools_;
  std::vector<std::string>& warnings_;
};

/// The name that the model sees of a tool that `json` speaks of.
Parsed<std::string> chosen_name(const JsonValue& json, const std::string& path,
                                const ResponsesTools& tools) {
  JEVONS_ASSIGN(const auto type, string_field(json, "type", path));
  if (type && *type != "function" && *type != "custom") {
    return unsupported_field(
        path, fmt::format("there is no tool of type \"{}\" here, only functions and custom tools",
                          *type));
  }
  JEVONS_ASSIGN(const std::string name, name_field(json, "name", path));
  JEVONS_ASSIGN(const auto name_space, string_field(json, "namespace", path));
  std::string shown = shown_tool_name(name_space.value_or(""), name);
  if (!tools.by_name.contains(shown)) {
    return invalid_field(member_path(path, "name"), fmt::format("no tool is called \"{}\"", name));
  }
  return shown;
}

Parsed<ToolChoice> read_allowed_tools(const JsonValue& choice, const ResponsesTools& tools) {
  JEVONS_ASSIGN(const auto mode, string_field(choice, "mode", "tool_choice"));
  JEVONS_ASSIGN(const JsonValue* const list, list_field(choice, "tools", "tool_choice"));
  std::vector<std::string> names;
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    JEVONS_ASSIGN(std::string name,
                  chosen_name(list->items[i], item_path("tool_choice.tools", i), tools));
    names.push_back(std::move(name));
  }
  ToolChoice result;
  if (names.empty()) {
    result.kind = ToolChoice::Kind::kNone;
  } else if (mode.value_or("auto") == "required") {
    result.kind = ToolChoice::Kind::kRequired;
  }
  result.allowed = std::move(names);
  return result;
}

}  // namespace

std::string shown_tool_name(std::string_view name_space, std::string_view name) {
  if (name_space.empty()) return std::string(name);
  return fmt::format("{}{}{}", name_space, name_space.ends_with("__") ? "" : "__", name);
}

Parsed<void> read_responses_tools(const JsonValue& list, const std::string& path,
                                  ResponsesTools& tools, std::vector<std::string>& warnings) {
  return ToolReader(tools, warnings).read_list(list, path, "");
}

Parsed<ToolChoice> read_responses_tool_choice(const JsonValue& choice,
                                              const ResponsesTools& tools) {
  ToolChoice result;
  if (choice.is_string()) {
    if (choice.text == "auto") return result;
    if (choice.text == "none") {
      result.kind = ToolChoice::Kind::kNone;
    } else if (choice.text == "required") {
      result.kind = ToolChoice::Kind::kRequired;
    } else {
      return invalid_field("tool_choice",
                           fmt::format("is \"{}\", expected auto, none, required or an "
                                       "object that names a tool",
                                       choice.text));
    }
    return result;
  }
  if (!choice.is_object())
    return wrong_kind_of_field("tool_choice", choice, "a string or an object");
  JEVONS_ASSIGN(const auto type, string_field(choice, "type", "tool_choice"));
  if (type == "allowed_tools") return read_allowed_tools(choice, tools);
  JEVONS_ASSIGN(result.name, chosen_name(choice, "tool_choice", tools));
  result.kind = ToolChoice::Kind::kNamed;
  return result;
}

std::string custom_arguments(std::string_view input) {
  return fmt::format(R"({{"input": {}}})", json_string(input));
}

std::string custom_input(std::string_view arguments_json) {
  const auto arguments = parse_json(arguments_json);
  if (arguments) {
    const JsonValue* const input = arguments->find("input");
    if (input != nullptr && input->is_string()) return input->text;
  }
  return std::string(arguments_json);
}

}  // namespace jevons
