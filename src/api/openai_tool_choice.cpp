#include "api/openai_tool_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "api/openai_request.h"

namespace jevons {
namespace {

class ChoiceReader {
 public:
  explicit ChoiceReader(std::span<const ToolDefinition> tools) : tools_(tools) {}

  Parsed<ToolChoice> read(const JsonValue& value, std::string_view path) {
    if (value.is_string()) return read_word(value.text, path);
    if (!value.is_object()) return wrong_kind_of_field(path, value, "a string or an object");
    JEVONS_ASSIGN(const auto type, string_field(value, "type", path));
    if (type == "allowed_tools") return read_allowed(value, path);
    if (type && *type != "function") {
      if (type == "custom") return unsupported_field(path, "tools of type custom are not offered");
      return read_word(*type, member_path(path, "type"));
    }
    ToolChoice choice{.kind = ToolChoice::Kind::kNamed};
    JEVONS_ASSIGN(choice.name, read_name(value, path));
    return choice;
  }

 private:
  Parsed<ToolChoice> read_word(std::string_view word, std::string_view path) {
    ToolChoice choice;
    if (word == "none") {
      choice.kind = ToolChoice::Kind::kNone;
    } else if (word == "required" || word == "any") {
      if (tools_.empty()) return invalid_field(path, "asks for a call, but there are no tools");
      choice.kind = ToolChoice::Kind::kRequired;
    } else if (word != "auto") {
      return invalid_field(path, fmt::format("is \"{}\", expected none, auto, required, or an "
                                             "object that names a function",
                                             word));
    }
    return choice;
  }

  /// Of {"type":"function","function":{"name":...}}; the name may stand outside, too.
  Parsed<std::string> read_name(const JsonValue& value, std::string_view path) {
    JEVONS_ASSIGN(const JsonValue* const function,
                  field_of_kind(value, "function", path, JsonValue::Kind::kObject));
    const std::string name_path =
        function != nullptr ? member_path(path, "function") : std::string(path);
    JEVONS_ASSIGN(std::string name,
                  required_string(function != nullptr ? *function : value, "name", name_path));
    if (std::ranges::find(tools_, name, &ToolDefinition::name) == tools_.end()) {
      return invalid_field(member_path(name_path, "name"),
                           fmt::format("is \"{}\", which is not one of the tools", name));
    }
    return name;
  }

  Parsed<ToolChoice> read_allowed(const JsonValue& value, std::string_view path) {
    const std::string inner = member_path(path, "allowed_tools");
    JEVONS_ASSIGN(const JsonValue* const wrapped,
                  field_of_kind(value, "allowed_tools", path, JsonValue::Kind::kObject));
    const JsonValue& allowed = wrapped != nullptr ? *wrapped : value;
    JEVONS_ASSIGN(const auto mode, string_field(allowed, "mode", inner));
    JEVONS_ASSIGN(ToolChoice choice, read_word(mode.value_or("auto"), member_path(inner, "mode")));
    JEVONS_ASSIGN(const JsonValue* const tools,
                  field_of_kind(allowed, "tools", inner, JsonValue::Kind::kArray));
    if (tools == nullptr || tools->items.empty()) {
      return invalid_field(member_path(inner, "tools"), "is empty, expected a list of functions");
    }
    for (std::size_t i = 0; i < tools->items.size(); ++i) {
      JEVONS_ASSIGN(std::string name,
                    read_name(tools->items[i], item_path(member_path(inner, "tools"), i)));
      choice.allowed.push_back(std::move(name));
    }
    return choice;
  }

  std::span<const ToolDefinition> tools_;
};

}  // namespace

Parsed<ToolChoice> read_tool_choice(const JsonValue& root, std::span<const ToolDefinition> tools) {
  ToolChoice choice;
  for (const std::string_view key : {"function_call", "tool_choice"}) {
    const JsonValue* const value = set_field(root, key);
    if (value == nullptr) continue;
    JEVONS_ASSIGN(choice, ChoiceReader(tools).read(*value, key));
  }
  JEVONS_ASSIGN(choice.parallel, boolean_field(root, "parallel_tool_calls", "", true));
  return choice;
}

}  // namespace jevons
