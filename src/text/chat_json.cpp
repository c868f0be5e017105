#include "text/chat_json.h"

#include <algorithm>
#include <utility>

#include "text/json_value.h"

namespace jevons {
namespace {

std::string indexed(std::string_view path, std::size_t i) { return fmt::format("{}[{}]", path, i); }

std::string member(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::unexpected<Error> wrong_kind(std::string_view path, const JsonValue& value,
                                  std::string_view expected) {
  return fail("{}: is {}, expected {}", path, json_kind_name(value.kind), expected);
}

/// The member `key` if it is there and not null: clients write null for "none".
const JsonValue* find_set(const JsonValue& object, std::string_view key) {
  const JsonValue* const found = object.find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

/// The string `key` of `object`; nothing if it is absent or null.
Result<std::optional<std::string>> optional_string(const JsonValue& object, std::string_view key,
                                                   std::string_view path) {
  const JsonValue* const value = find_set(object, key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return wrong_kind(member(path, key), *value, "a string");
  return value->text;
}

class RequestReader {
 public:
  explicit RequestReader(ChatJsonOptions options = {}) : options_(options) {}

  Result<ChatRequest> read(const JsonValue& root) {
    if (!root.is_object()) return wrong_kind("the request", root, "an object");
    const JsonValue* const messages = root.find("messages");
    if (messages == nullptr) return fail("messages: missing, expected a list of messages");
    if (!messages->is_array()) return wrong_kind("messages", *messages, "a list of messages");
    for (std::size_t i = 0; i < messages->items.size(); ++i) {
      JEVONS_ASSIGN(Message message, read_message(messages->items[i], indexed("messages", i)));
      if (message.role == Role::kSystem && i > 0 &&
          request_.messages.back().role != Role::kSystem) {
        warn(indexed("messages", i),
             "a system message that does not come first is shown to the model as a user's turn");
      }
      request_.messages.push_back(std::move(message));
    }
    for (const std::string_view key : {"tools", "functions"}) {
      if (const JsonValue* const tools = find_set(root, key)) JEVONS_TRY(read_tools(*tools, key));
    }
    return std::move(request_);
  }

  Result<void> read_tools(const JsonValue& tools, std::string_view path) {
    if (!tools.is_array()) return wrong_kind(path, tools, "a list of tools");
    for (std::size_t i = 0; i < tools.items.size(); ++i) {
      JEVONS_TRY(read_tool(tools.items[i], indexed(path, i)));
    }
    return {};
  }

  ChatRequest& request() { return request_; }

 private:
  void warn(std::string_view path, std::string_view what) {
    request_.warnings.push_back(fmt::format("{}: {}", path, what));
  }

  Result<Role> read_role(const JsonValue& message, const std::string& path) {
    const JsonValue* const role = message.find("role");
    if (role == nullptr) return fail("{}.role: missing", path);
    if (!role->is_string()) return wrong_kind(path + ".role", *role, "a string");
    if (role->text == "system" || role->text == "developer") return Role::kSystem;
    if (role->text == "user") return Role::kUser;
    if (role->text == "assistant") return Role::kAssistant;
    if (role->text == "tool" || role->text == "function") return Role::kTool;
    return fail("{}.role: is \"{}\", expected system, user, assistant or tool", path, role->text);
  }

  Result<Message> read_message(const JsonValue& json, const std::string& path) {
    if (!json.is_object()) return wrong_kind(path, json, "an object");
    Message message;
    JEVONS_ASSIGN(message.role, read_role(json, path));
    JEVONS_ASSIGN(message.content, read_content(json, message.role, path + ".content"));
    if (message.role == Role::kSystem) {
      JEVONS_ASSIGN(message.current_date, optional_string(json, "current_date", path));
      JEVONS_ASSIGN(message.current_location, optional_string(json, "current_location", path));
    } else if (message.role == Role::kAssistant) {
      JEVONS_TRY(read_reasoning(json, path, message));
      JEVONS_TRY(read_tool_calls(json, path, message));
    } else if (message.role == Role::kTool) {
      JEVONS_ASSIGN(const auto id, optional_string(json, "tool_call_id", path));
      message.tool_call_id = id.value_or("");
    }
    return message;
  }

  Result<Content> read_content(const JsonValue& message, Role role, const std::string& path) {
    const JsonValue* content = find_set(message, "content");
    if (content == nullptr && role == Role::kAssistant) content = find_set(message, "refusal");
    if (content == nullptr) return Content();
    if (content->is_string()) return Content(content->text);
    if (!content->is_array())
      return wrong_kind(path, *content, "a string, a list of parts or null");
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < content->items.size(); ++i) {
      JEVONS_ASSIGN(auto part, read_part(content->items[i], role, indexed(path, i)));
      if (part) parts.push_back(*std::move(part));
    }
    return Content(std::move(parts));
  }

  /// The text of a part. One of a kind that has none counts as empty, as in the template, but
  /// would be a result of its own in a tool message: there it is nothing.
  Result<std::optional<std::string>> read_part(const JsonValue& part, Role role,
                                               const std::string& path) {
    if (part.is_string()) return part.text;
    if (!part.is_object()) return wrong_kind(path, part, "an object or a string");
    if (role == Role::kTool && find_set(part, "output") != nullptr) {
      return optional_string(part, "output", path);
    }
    const JsonValue* const type = part.find("type");
    const std::string_view name = type != nullptr ? std::string_view(type->text) : "";
    if (name == "text" || name == "input_text" || name == "output_text") {
      const JsonValue* const text = part.find("text");
      if (text == nullptr) return fail("{}.text: missing", path);
      if (!text->is_string()) return wrong_kind(path + ".text", *text, "a string");
      return text->text;
    }
    if (name == "refusal") return optional_string(part, "refusal", path);
    warn(path, fmt::format("a part of type \"{}\" is left out: the model reads text only", name));
    if (options_.placeholders) return fmt::format("[{} left out: text only]", name);
    if (role == Role::kTool) return std::nullopt;
    return std::string();
  }

  Result<void> read_reasoning(const JsonValue& json, const std::string& path, Message& message) {
    JEVONS_ASSIGN(message.reasoning, optional_string(json, "reasoning_content", path));
    if (!message.reasoning && json.find("reasoning") != nullptr &&
        json.find("reasoning")->is_string()) {
      message.reasoning = json.find("reasoning")->text;
    }
    if (!message.reasoning) message.reasoning = reasoning_of_details(json);
    return {};
  }

  /// The texts of "reasoning_details"; what is encrypted or summarised there is not for us.
  static std::optional<std::string> reasoning_of_details(const JsonValue& json) {
    const JsonValue* const details = find_set(json, "reasoning_details");
    if (details == nullptr || !details->is_array()) return std::nullopt;
    std::optional<std::string> reasoning;
    for (const JsonValue& detail : details->items) {
      const JsonValue* const text = find_set(detail, "text");
      if (text != nullptr && text->is_string()) reasoning = reasoning.value_or("") + text->text;
    }
    return reasoning;
  }

  Result<void> read_tool_calls(const JsonValue& json, const std::string& path, Message& message) {
    if (const JsonValue* const call = find_set(json, "function_call")) {
      JEVONS_ASSIGN(ToolCall only, read_tool_call(*call, path + ".function_call"));
      message.tool_calls.push_back(std::move(only));
    }
    const JsonValue* const calls = find_set(json, "tool_calls");
    if (calls == nullptr) return {};
    const std::string calls_path = path + ".tool_calls";
    if (!calls->is_array()) return wrong_kind(calls_path, *calls, "a list of tool calls");
    for (std::size_t i = 0; i < calls->items.size(); ++i) {
      JEVONS_ASSIGN(ToolCall call, read_tool_call(calls->items[i], indexed(calls_path, i)));
      message.tool_calls.push_back(std::move(call));
    }
    return {};
  }

  Result<ToolCall> read_tool_call(const JsonValue& json, const std::string& path) {
    if (!json.is_object()) return wrong_kind(path, json, "an object");
    ToolCall call;
    JEVONS_ASSIGN(const auto id, optional_string(json, "id", path));
    call.id = id.value_or("");
    if (const JsonValue* const custom = find_set(json, "custom")) {
      JEVONS_ASSIGN(call.name, read_name(*custom, path + ".custom"));
      JEVONS_ASSIGN(const auto input, optional_string(*custom, "input", path + ".custom"));
      call.arguments = fmt::format(R"({{"input": {}}})", json_string(input.value_or("")));
      return call;
    }
    const JsonValue* const wrapped = find_set(json, "function");
    const JsonValue& function = wrapped != nullptr ? *wrapped : json;
    const std::string function_path = wrapped != nullptr ? path + ".function" : path;
    if (!function.is_object()) return wrong_kind(function_path, function, "an object");
    JEVONS_ASSIGN(call.name, read_name(function, function_path));
    JEVONS_ASSIGN(call.arguments, read_arguments(function, function_path + ".arguments"));
    return call;
  }

  Result<std::string> read_name(const JsonValue& function, const std::string& path) {
    JEVONS_ASSIGN(auto name, optional_string(function, "name", path));
    if (!name || name->empty()) return fail("{}.name: missing or empty", path);
    return *std::move(name);
  }

  Result<std::string> read_arguments(const JsonValue& function, const std::string& path) {
    const JsonValue* const arguments = find_set(function, "arguments");
    if (arguments == nullptr) return "{}";
    if (arguments->is_object()) return python_json(*arguments);
    if (!arguments->is_string()) {
      return wrong_kind(path, *arguments, "an object or a string that contains one");
    }
    const std::string_view text = arguments->text;
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return "{}";
    const auto parsed = parse_json(text);
    if (!parsed) return fail("{}: {}", path, parsed.error().message);
    if (!parsed->is_object()) return wrong_kind(path, *parsed, "a string that contains an object");
    return arguments->text;
  }

  Result<void> read_tool(const JsonValue& tool, const std::string& path) {
    if (!tool.is_object()) return wrong_kind(path, tool, "an object");
    JEVONS_ASSIGN(const auto type, optional_string(tool, "type", path));
    if (type.value_or("function") != "function") {
      warn(path, fmt::format("a tool of type \"{}\" is left out", *type));
      return {};
    }
    const JsonValue* const wrapped = find_set(tool, "function");
    const std::string function_path = wrapped != nullptr ? path + ".function" : path;
    JsonValue function = wrapped != nullptr ? *wrapped : tool;
    if (!function.is_object()) return wrong_kind(function_path, function, "an object");
    if (wrapped == nullptr) erase(function, "type");

    ToolDefinition definition;
    JEVONS_ASSIGN(definition.name, read_name(function, function_path));
    JEVONS_ASSIGN(const auto description, optional_string(function, "description", function_path));
    definition.description = description.value_or("");
    if (const JsonValue* const parameters = find_set(function, "parameters")) {
      if (!parameters->is_object()) {
        return wrong_kind(function_path + ".parameters", *parameters, "a JSON schema object");
      }
      definition.parameters = python_json(*parameters);
    }
    definition.function_json = python_json(function);
    request_.tools.push_back(std::move(definition));
    return {};
  }

  static void erase(JsonValue& object, std::string_view key) {
    const auto found = std::find(object.keys.begin(), object.keys.end(), key);
    if (found == object.keys.end()) return;
    object.items.erase(object.items.begin() + (found - object.keys.begin()));
    object.keys.erase(found);
  }

  ChatJsonOptions options_;
  ChatRequest request_;
};

std::string content_json(const Content& content) {
  if (!content.is_list) return json_string(content.joined());
  std::string json = "[";
  for (const std::string& part : content.parts) {
    if (json.size() > 1) json += ", ";
    json += fmt::format(R"({{"type": "text", "text": {}}})", json_string(part));
  }
  return json + "]";
}

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  return "user";
}

std::string message_json(const Message& message) {
  std::string json = fmt::format(R"({{"role": "{}", "content": {})", role_name(message.role),
                                 content_json(message.content));
  const auto add_string = [&json](std::string_view key, std::string_view value) {
    json += fmt::format(R"(, "{}": {})", key, json_string(value));
  };
  if (message.reasoning) add_string("reasoning_content", *message.reasoning);
  if (!message.tool_calls.empty()) {
    json += R"(, "tool_calls": [)";
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
      const ToolCall& call = message.tool_calls[i];
      json += fmt::format(
          R"({}{{"id": {}, "type": "function", "function": {{"name": {}, "arguments": {}}}}})",
          i > 0 ? ", " : "", json_string(call.id), json_string(call.name),
          json_string(call.arguments));
    }
    json += "]";
  }
  if (message.role == Role::kTool) add_string("tool_call_id", message.tool_call_id);
  if (message.current_date) add_string("current_date", *message.current_date);
  if (message.current_location) add_string("current_location", *message.current_location);
  return json + "}";
}

}  // namespace

Result<ChatRequest> parse_chat_request(std::string_view json) {
  JEVONS_ASSIGN(const JsonValue root, parse_json(json));
  return read_chat_request(root);
}

Result<ChatRequest> read_chat_request(const JsonValue& root, const ChatJsonOptions& options) {
  return RequestReader(options).read(root);
}

Result<std::vector<ToolDefinition>> parse_tools(std::string_view json) {
  JEVONS_ASSIGN(const JsonValue root, parse_json(json));
  RequestReader reader;
  JEVONS_TRY(reader.read_tools(root, "tools"));
  return std::move(reader.request().tools);
}

std::string messages_to_json(std::span<const Message> messages) {
  std::string json = "[";
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (i > 0) json += ",\n ";
    json += message_json(messages[i]);
  }
  return json + "]";
}

}  // namespace jevons
