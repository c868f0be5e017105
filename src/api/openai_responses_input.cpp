#include "api/openai_responses_input.h"

#include <array>
#include <cstddef>
#include <utility>

#include "api/openai_responses_json.h"
#include "api/openai_responses_reasoning.h"
#include "api/openai_responses_tools.h"

namespace jevons {
namespace {

bool has_text_type(std::string_view type) {
  return type == "input_text" || type == "output_text" || type == "text" ||
         type == "reasoning_text" || type == "summary_text";
}

class ItemReader {
 public:
  ItemReader(const FindItem& find_item, ResponsesInput& into) : find_item_(find_item), out_(into) {}

  Parsed<void> read_item(const JsonValue& item, const std::string& path) {
    if (!item.is_object()) return wrong_kind_of_field(path, item, "an object");
    JEVONS_ASSIGN(const auto type, string_field(item, "type", path));
    if (type == "item_reference" || is_bare_reference(item)) return read_reference(item, path);
    out_.items.push_back(item);
    return read_known_item(type.value_or("message"), item, path);
  }

 private:
  using Read = Parsed<void> (ItemReader::*)(const JsonValue&, const std::string&);
  struct Kind {
    std::string_view type;
    Read read;
  };

  Parsed<void> read_known_item(std::string_view type, const JsonValue& item,
                               const std::string& path) {
    static constexpr std::array kKinds{
        Kind{"message", &ItemReader::read_message},
        Kind{"reasoning", &ItemReader::read_reasoning},
        Kind{"function_call", &ItemReader::read_function_call},
        Kind{"custom_tool_call", &ItemReader::read_custom_call},
        Kind{"local_shell_call", &ItemReader::read_action_call},
        Kind{"shell_call", &ItemReader::read_action_call},
        Kind{"apply_patch_call", &ItemReader::read_action_call},
        Kind{"function_call_output", &ItemReader::read_output},
        Kind{"custom_tool_call_output", &ItemReader::read_output},
        Kind{"local_shell_call_output", &ItemReader::read_output},
        Kind{"shell_call_output", &ItemReader::read_output},
        Kind{"apply_patch_call_output", &ItemReader::read_output},
        Kind{"additional_tools", &ItemReader::read_tool_list},
        Kind{"tool_search_output", &ItemReader::read_tool_list},
        Kind{"compaction_trigger", &ItemReader::refuse_compaction},
    };
    for (const Kind& kind : kKinds) {
      if (kind.type == type) return (this->*kind.read)(item, path);
    }
    warn(path, fmt::format("an item of type \"{}\" is left out", type));
    return {};
  }

  /// A reference may come without its type: then it has nothing but an id.
  static bool is_bare_reference(const JsonValue& item) {
    return set_field(item, "type") == nullptr && set_field(item, "id") != nullptr &&
           set_field(item, "role") == nullptr;
  }

  Parsed<void> read_reference(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const std::string id, name_field(item, "id", path));
    std::optional<JsonValue> found = find_item_(id);
    if (!found) {
      ApiError error;
      error.kind = ApiErrorKind::kNotFound;
      error.message = fmt::format("{}: no item '{}' is stored here", path, id);
      error.param = path;
      return std::unexpected(std::move(error));
    }
    JEVONS_ASSIGN(const auto type, string_field(*found, "type", path));
    out_.items.push_back(*found);
    return read_known_item(type.value_or("message"), out_.items.back(), path);
  }

  Parsed<void> read_message(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const std::string role, required_string(item, "role", path));
    if (role == "assistant") return read_answer(item, path);
    const bool is_system = role == "system" || role == "developer";
    if (!is_system && role != "user") {
      return invalid_field(
          member_path(path, "role"),
          fmt::format("is \"{}\", expected user, assistant, system or developer", role));
    }
    JEVONS_ASSIGN(Content content, read_content(item, "content", path));
    Message& message = add_message(is_system ? Role::kSystem : Role::kUser);
    message.content = std::move(content);
    return {};
  }

  Parsed<void> read_answer(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const Content content, read_content(item, "content", path));
    const std::string text = content.joined();
    Message& message = turn();
    std::vector<std::string>& parts = message.content.parts;
    if (text.empty()) return {};
    if (parts.empty()) {
      parts.push_back(text);
    } else {
      // Two texts side by side were two; with a call between them they were one around it.
      if (last_was_text_) parts.back() += "\n\n";
      parts.back() += text;
    }
    last_was_text_ = true;
    return {};
  }

  Parsed<void> read_reasoning(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const auto text, reasoning_text(item, path));
    if (!text) {
      warn(path, "reasoning that only another service can read is left out");
      return {};
    }
    if (has_turn() && (!turn().content.parts.empty() || !turn().tool_calls.empty())) end_turn();
    Message& message = turn();
    if (message.reasoning) {
      *message.reasoning += "\n\n" + *text;
    } else {
      message.reasoning = *text;
    }
    return {};
  }

  /// Our own encoding first: what clients show may have been trimmed on the way.
  Parsed<std::optional<std::string>> reasoning_text(const JsonValue& item,
                                                    const std::string& path) {
    JEVONS_ASSIGN(const auto encoded, string_field(item, "encrypted_content", path));
    if (encoded) {
      if (auto text = decode_reasoning(*encoded)) return text;
    }
    JEVONS_ASSIGN(const Content content, read_content(item, "content", path));
    if (!content.parts.empty()) return content.joined();
    JEVONS_ASSIGN(const Content summary, read_content(item, "summary", path));
    if (summary.parts.empty()) return std::nullopt;
    std::string text;
    for (const std::string& part : summary.parts) text += (text.empty() ? "" : "\n\n") + part;
    return text;
  }

  Parsed<void> read_function_call(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const std::string name, name_field(item, "name", path));
    JEVONS_ASSIGN(const auto name_space, string_field(item, "namespace", path));
    JEVONS_ASSIGN(std::string arguments, read_arguments(item, path));
    return add_call(item, path, shown_tool_name(name_space.value_or(""), name),
                    std::move(arguments));
  }

  Parsed<std::string> read_arguments(const JsonValue& item, const std::string& path) {
    const JsonValue* const arguments = set_field(item, "arguments");
    if (arguments == nullptr) return "{}";
    if (arguments->is_object()) return python_json(*arguments);
    const std::string at = member_path(path, "arguments");
    if (!arguments->is_string()) {
      return wrong_kind_of_field(at, *arguments, "a string that contains a JSON object");
    }
    if (arguments->text.find_first_not_of(" \t\r\n") == std::string::npos) return "{}";
    const auto value = parse_json(arguments->text);
    if (!value) return invalid_field(at, value.error().message);
    if (!value->is_object())
      return wrong_kind_of_field(at, *value, "a string that contains a JSON object");
    return arguments->text;
  }

  Parsed<void> read_custom_call(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const std::string name, name_field(item, "name", path));
    JEVONS_ASSIGN(const auto name_space, string_field(item, "namespace", path));
    JEVONS_ASSIGN(const auto input, string_field(item, "input", path));
    return add_call(item, path, shown_tool_name(name_space.value_or(""), name),
                    custom_arguments(input.value_or("")));
  }

  /// Calls of tools that have no name but their type: what they do is an object.
  Parsed<void> read_action_call(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(std::string name, required_string(item, "type", path));
    name.resize(name.size() - std::string_view("_call").size());
    const bool is_patch = name == "apply_patch";
    JEVONS_ASSIGN(const JsonValue* const action,
                  object_field(item, is_patch ? "operation" : "action", path));
    return add_call(item, path, std::move(name),
                    action != nullptr ? python_json(*action) : std::string("{}"));
  }

  Parsed<void> add_call(const JsonValue& item, const std::string& path, std::string name,
                        std::string arguments) {
    JEVONS_ASSIGN(const auto call_id, string_field(item, "call_id", path));
    JEVONS_ASSIGN(const auto id, string_field(item, "id", path));
    turn().tool_calls.push_back(
        ToolCall{call_id.value_or(id.value_or("")), std::move(name), std::move(arguments)});
    last_was_text_ = false;
    return {};
  }

  Parsed<void> read_output(const JsonValue& item, const std::string& path) {
    if (!follows_calls()) {
      return invalid_field(path, "is the output of a tool, but no call comes before it");
    }
    JEVONS_ASSIGN(const auto call_id, string_field(item, "call_id", path));
    JEVONS_ASSIGN(const auto id, string_field(item, "id", path));
    JEVONS_ASSIGN(Content content, read_content(item, "output", path));
    Message& message = add_message(Role::kTool);
    message.tool_call_id = call_id.value_or(id.value_or(""));
    message.content = std::move(content);
    return {};
  }

  /// Whether a tool's output may come now: behind a message with calls, or another output.
  [[nodiscard]] bool follows_calls() const {
    if (out_.messages.empty()) return false;
    const Message& last = out_.messages.back();
    return last.role == Role::kTool || !last.tool_calls.empty();
  }

  Parsed<void> read_tool_list(const JsonValue& item, const std::string& path) {
    JEVONS_ASSIGN(const JsonValue* const list, list_field(item, "tools", path));
    if (list != nullptr) out_.tool_lists.push_back(*list);
    return {};
  }

  Parsed<void> refuse_compaction(const JsonValue&, const std::string& path) {
    return unsupported_field(path, "conversations are not compacted here; ask for a summary");
  }

  /// A text, a list of parts, or nothing.
  Parsed<Content> read_content(const JsonValue& item, std::string_view key,
                               const std::string& path) {
    const JsonValue* const content = set_field(item, key);
    if (content == nullptr) return Content();
    if (content->is_string()) return Content(content->text);
    const std::string at = member_path(path, key);
    if (!content->is_array())
      return wrong_kind_of_field(at, *content, "a string or a list of parts");
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < content->items.size(); ++i) {
      JEVONS_ASSIGN(auto text, read_part(content->items[i], item_path(at, i)));
      if (text) parts.push_back(*std::move(text));
    }
    return Content(std::move(parts));
  }

  Parsed<std::optional<std::string>> read_part(const JsonValue& part, const std::string& path) {
    if (part.is_string()) return part.text;
    if (!part.is_object()) return wrong_kind_of_field(path, part, "an object");
    JEVONS_ASSIGN(const auto given, string_field(part, "type", path));
    const std::string type = given.value_or("");
    if (type == "refusal") return string_field(part, "refusal", path);
    if (has_text_type(type)) {
      const JsonValue* const text = set_field(part, "text");
      if (text == nullptr) return invalid_field(member_path(path, "text"), "missing");
      if (!text->is_string())
        return wrong_kind_of_field(member_path(path, "text"), *text, "a string");
      return text->text;
    }
    if (set_field(part, "stdout") != nullptr) return shell_output(part, path);
    warn(path, fmt::format("a part of type \"{}\" is left out: the model reads text only", type));
    return fmt::format("[{} left out: text only]", type);
  }

  static Parsed<std::optional<std::string>> shell_output(const JsonValue& part,
                                                         const std::string& path) {
    JEVONS_ASSIGN(const auto out, string_field(part, "stdout", path));
    JEVONS_ASSIGN(const auto err, string_field(part, "stderr", path));
    return out.value_or("") + err.value_or("");
  }

  /// The assistant's message that items are being added to.
  Message& turn() {
    if (!has_turn()) {
      add_message(Role::kAssistant);
      last_was_text_ = false;
      is_closed_ = false;
    }
    return out_.messages.back();
  }
  [[nodiscard]] bool has_turn() const {
    return !is_closed_ && !out_.messages.empty() && out_.messages.back().role == Role::kAssistant;
  }
  void end_turn() { is_closed_ = true; }

  Message& add_message(Role role) {
    end_turn();
    Message& message = out_.messages.emplace_back();
    message.role = role;
    return message;
  }

  void warn(std::string_view path, std::string_view what) {
    out_.warnings.push_back(fmt::format("{}: {}", path, what));
  }

  const FindItem& find_item_;
  ResponsesInput& out_;
  bool is_closed_ = false;
  bool last_was_text_ = false;
};

/// A text alone, as the item that it stands for.
JsonValue user_message(const JsonValue& text) {
  JsonValue item;
  item.kind = JsonValue::Kind::kObject;
  const auto add = [](JsonValue& object, const char* key, JsonValue value) {
    object.keys.emplace_back(key);
    object.items.push_back(std::move(value));
  };
  JsonValue word = text;
  word.text = "message";
  add(item, "type", word);
  word.text = "user";
  add(item, "role", word);
  add(item, "content", text);
  return item;
}

}  // namespace

Parsed<void> read_responses_input(const JsonValue& input, const std::string& path,
                                  const FindItem& find_item, ResponsesInput& into) {
  ItemReader reader(find_item, into);
  if (input.is_string()) return reader.read_item(user_message(input), path);
  if (!input.is_array()) return wrong_kind_of_field(path, input, "a string or a list of items");
  for (std::size_t i = 0; i < input.items.size(); ++i) {
    JEVONS_TRY(reader.read_item(input.items[i], item_path(path, i)));
  }
  return {};
}

}  // namespace jevons
