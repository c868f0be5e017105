#include "api/anthropic_conversation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/anthropic_content.h"
#include "api/anthropic_tools.h"
#include "api/thinking_signature.h"

namespace jevons {
namespace {

struct ToolResult {
  std::string call_id;
  std::string text;
  std::string path;
};

/// Messages of one role that follow each other.
struct Turn {
  Role role = Role::kUser;
  std::string path{};  // of the first of them
  std::string text{};
  std::optional<std::string> reasoning{};
  std::vector<ToolCall> calls{};
  std::vector<ToolResult> results{};
};

/// An error begins by saying so, which tools do not always do.
std::string result_text(std::string text, bool is_error) {
  if (!is_error || text.starts_with("Error") || text.starts_with("error")) return text;
  return text.empty() ? "Error" : "Error: " + text;
}

class ConversationReader {
 public:
  Parsed<ChatRequest> read(const JsonValue& root) {
    JEVONS_TRY(read_anthropic_tools(root, chat_));
    JEVONS_TRY(read_system(root));
    const JsonValue* const messages = set_field(root, "messages");
    if (messages == nullptr) return invalid_field("messages", "missing, expected a list");
    if (!messages->is_array()) return wrong_kind_of_field("messages", *messages, "a list");
    if (messages->items.empty()) return invalid_field("messages", "expected at least one message");
    for (std::size_t i = 0; i < messages->items.size(); ++i) {
      JEVONS_TRY(read_message(messages->items, i));
    }
    if (turn_ && turn_->role == Role::kAssistant) {
      return unsupported_field(
          turn_->path,
          "the conversation ends with an assistant message: answers are not continued "
          "here, end with a user message");
    }
    JEVONS_TRY(end_turn());
    return std::move(chat_);
  }

 private:
  void warn(std::string_view path, std::string_view what) {
    chat_.warnings.push_back(fmt::format("{}: {}", path, what));
  }

  /// The blocks stay apart, so that one that changes with every conversation can be left out
  /// before the prompt is rendered.
  Parsed<void> read_system(const JsonValue& root) {
    const JsonValue* const system = set_field(root, "system");
    if (system == nullptr) return {};
    Message message;
    message.role = Role::kSystem;
    if (system->is_string()) {
      message.content = Content(system->text);
    } else if (system->is_array()) {
      std::vector<std::string> parts;
      for (std::size_t i = 0; i < system->items.size(); ++i) {
        JEVONS_ASSIGN(std::string part,
                      block_text(system->items[i], item_path("system", i), chat_));
        if (part.empty()) continue;
        if (!parts.empty() && !parts.back().ends_with('\n')) parts.back() += '\n';
        parts.push_back(std::move(part));
      }
      message.content = Content(std::move(parts));
    } else {
      return wrong_kind_of_field("system", *system, "a string or a list of text blocks");
    }
    if (!message.content.parts.empty()) chat_.messages.push_back(std::move(message));
    return {};
  }

  Parsed<void> read_message(const std::vector<JsonValue>& messages, std::size_t i) {
    const JsonValue& json = messages[i];
    const std::string path = item_path("messages", i);
    if (!json.is_object()) return wrong_kind_of_field(path, json, "an object");
    JEVONS_ASSIGN(const std::string role, required_string(json, "role", path));
    if (role == "system" || role == "developer") return read_late_system(messages, i, path);
    if (role != "user" && role != "assistant") {
      return invalid_field(path + ".role",
                           fmt::format("is \"{}\", expected user, assistant or system", role));
    }
    const Role speaker = role == "user" ? Role::kUser : Role::kAssistant;
    if (!turn_ || turn_->role != speaker) {
      JEVONS_TRY(end_turn());
      turn_ = Turn{.role = speaker, .path = path};
    }
    return read_content(json, path + ".content");
  }

  Parsed<void> read_late_system(const std::vector<JsonValue>& messages, std::size_t i,
                                const std::string& path) {
    JEVONS_TRY(end_turn());
    JEVONS_ASSIGN(const auto clear_at, string_field(messages[i], "clear_at", path));
    Message message;
    message.role = Role::kSystem;
    JEVONS_ASSIGN(std::string text, system_text(messages[i], path + ".content"));
    const bool is_over = clear_at == "next_user_message" && user_speaks_after(messages, i);
    if (text.empty() || is_over) return {};
    message.content = Content(std::move(text));
    chat_.messages.push_back(std::move(message));
    return {};
  }

  static bool user_speaks_after(const std::vector<JsonValue>& messages, std::size_t i) {
    return std::any_of(messages.begin() + static_cast<std::ptrdiff_t>(i) + 1, messages.end(),
                       [](const JsonValue& message) {
                         const JsonValue* const role = message.find("role");
                         return role != nullptr && role->text == "user";
                       });
  }

  Parsed<std::string> system_text(const JsonValue& message, const std::string& path) {
    const JsonValue* const content = set_field(message, "content");
    if (content == nullptr || !content->is_array()) return content_text(content, path, chat_);
    std::string text;
    for (std::size_t i = 0; i < content->items.size(); ++i) {
      const JsonValue& block = content->items[i];
      const std::string block_path = item_path(path, i);
      JEVONS_ASSIGN(const std::string type, block_type(block, block_path));
      Parsed<std::string> part = type == "tool_addition"  ? tool_addition(block, block_path)
                                 : type == "tool_removal" ? tool_removal(block, block_path)
                                                          : block_text(block, block_path, chat_);
      if (!part) return std::unexpected(std::move(part).error());
      append_block(text, *part);
    }
    return text;
  }

  /// A tool that comes later is introduced where it comes, so that the prompt before it stays.
  Parsed<std::string> tool_addition(const JsonValue& block, const std::string& path) {
    const std::string tool_path = path + ".tool";
    JEVONS_ASSIGN(const JsonValue* const tool, changed_tool(block, tool_path));
    if (const JsonValue* const definition = set_field(*tool, "definition")) {
      JEVONS_ASSIGN(auto added, read_anthropic_tool(*definition, tool_path + ".definition", chat_));
      return added ? add_tool(*std::move(added)) : "";
    }
    JEVONS_ASSIGN(const std::string name, changed_tool_name(*tool, tool_path));
    const ToolDefinition* const known = find_tool(chat_, name);
    if (known != nullptr && known->is_listed) {
      return removed_.erase(name) > 0 ? fmt::format("The tool {} can be called again.", name) : "";
    }
    if (known != nullptr) return "A tool was added:\n" + tool_introduction(*known);
    warn(path, fmt::format("there is no tool called \"{}\" that can be called", name));
    return "";
  }

  /// One that takes the place of a known one types the arguments from now on; the list at the
  /// begin of the prompt stays as it was.
  std::string add_tool(ToolDefinition tool) {
    const std::string introduction = "A tool was added:\n" + tool_introduction(tool);
    if (ToolDefinition* const known = find_tool(chat_, tool.name)) {
      known->parameters = std::move(tool.parameters);
      return introduction;
    }
    tool.is_listed = chat_.tools.empty();
    const bool is_listed = tool.is_listed;
    chat_.tools.push_back(std::move(tool));
    return is_listed ? "" : introduction;
  }

  Parsed<std::string> tool_removal(const JsonValue& block, const std::string& path) {
    const std::string tool_path = path + ".tool";
    JEVONS_ASSIGN(const JsonValue* const tool, changed_tool(block, tool_path));
    JEVONS_ASSIGN(const std::string name, changed_tool_name(*tool, tool_path));
    removed_.insert(name);
    return fmt::format("The tool {} is gone: do not call it.", name);
  }

  static Parsed<const JsonValue*> changed_tool(const JsonValue& block, const std::string& path) {
    const JsonValue* const tool = set_field(block, "tool");
    if (tool == nullptr) return invalid_field(path, "missing, expected an object");
    if (!tool->is_object()) return wrong_kind_of_field(path, *tool, "an object");
    return tool;
  }

  static Parsed<std::string> changed_tool_name(const JsonValue& tool, const std::string& path) {
    for (const char* const key : {"tool_name", "server_name"}) {
      if (set_field(tool, "name") == nullptr && set_field(tool, key) != nullptr) {
        return required_string(tool, key, path);
      }
    }
    return required_string(tool, "name", path);
  }

  Parsed<void> read_content(const JsonValue& message, const std::string& path) {
    const JsonValue* const content = set_field(message, "content");
    // A message begins a line of its own; within one of the assistant's the blocks join as they
    // were written.
    std::string text;
    if (content != nullptr && content->is_array()) {
      for (std::size_t i = 0; i < content->items.size(); ++i) {
        JEVONS_TRY(read_block(content->items[i], item_path(path, i), text));
      }
    } else {
      JEVONS_ASSIGN(text, content_text(content, path, chat_));
    }
    append_block(turn_->text, text);
    return {};
  }

  Parsed<void> read_block(const JsonValue& block, const std::string& path, std::string& text) {
    JEVONS_ASSIGN(const std::string type, block_type(block, path));
    const bool is_assistant = turn_->role == Role::kAssistant;
    if (type == "tool_use" || type == "thinking") {
      if (!is_assistant) {
        return invalid_field(path,
                             fmt::format("a {} block belongs into an assistant message", type));
      }
      return type == "tool_use" ? read_call(block, path) : read_thinking(block, path);
    }
    if (type == "tool_result") {
      if (is_assistant) {
        return invalid_field(path, "a tool_result block belongs into a user message");
      }
      return read_result(block, path);
    }
    JEVONS_ASSIGN(const std::string part, block_text(block, path, chat_));
    if (is_assistant) {
      text += part;
    } else {
      append_block(text, part);
    }
    return {};
  }

  Parsed<void> read_thinking(const JsonValue& block, const std::string& path) {
    JEVONS_ASSIGN(auto thinking, string_field(block, "thinking", path));
    JEVONS_ASSIGN(const auto signature, string_field(block, "signature", path));
    if ((!thinking || thinking->empty()) && signature) {
      thinking = thinking_of_signature(*signature);
    }
    if (!thinking || thinking->empty()) return {};
    if (!turn_->reasoning) turn_->reasoning.emplace();
    append_block(*turn_->reasoning, *thinking);
    return {};
  }

  Parsed<void> read_call(const JsonValue& block, const std::string& path) {
    ToolCall call;
    JEVONS_ASSIGN(call.id, required_string(block, "id", path));
    JEVONS_ASSIGN(call.name, required_string(block, "name", path));
    if (call.name.empty()) return invalid_field(path + ".name", "is empty");
    const JsonValue* const input = set_field(block, "input");
    if (input != nullptr) {
      if (!input->is_object()) return wrong_kind_of_field(path + ".input", *input, "an object");
      call.arguments = python_json(*input);
    }
    turn_->calls.push_back(std::move(call));
    return {};
  }

  Parsed<void> read_result(const JsonValue& block, const std::string& path) {
    ToolResult result;
    result.path = path;
    JEVONS_ASSIGN(result.call_id, required_string(block, "tool_use_id", path));
    JEVONS_ASSIGN(const bool is_error, boolean_field(block, "is_error", path, false));
    JEVONS_ASSIGN(std::string text, content_text(block.find("content"), path + ".content", chat_));
    result.text = result_text(std::move(text), is_error);
    turn_->results.push_back(std::move(result));
    return {};
  }

  Parsed<void> end_turn() {
    if (!turn_) return {};
    Turn turn = *std::exchange(turn_, std::nullopt);
    if (turn.role == Role::kAssistant) {
      Message message;
      message.role = Role::kAssistant;
      message.content = Content(std::move(turn.text));
      message.reasoning = std::move(turn.reasoning);
      message.tool_calls = std::move(turn.calls);
      open_calls_ = message.tool_calls;
      chat_.messages.push_back(std::move(message));
      return {};
    }
    const bool answers_calls = !turn.results.empty();
    if (answers_calls) JEVONS_TRY(add_results(std::move(turn.results)));
    open_calls_.clear();
    if (answers_calls && turn.text.empty()) return {};
    Message message;
    message.role = Role::kUser;
    message.content = Content(std::move(turn.text));
    chat_.messages.push_back(std::move(message));
    return {};
  }

  Parsed<void> add_results(std::vector<ToolResult> results) {
    if (open_calls_.empty()) {
      return invalid_field(results.front().path,
                           "a tool_result, but the assistant message before it calls no tool");
    }
    const std::string path = results.front().path;  // they leave the list one by one
    for (const ToolCall& call : open_calls_) {
      const auto found = std::ranges::find(results, call.id, &ToolResult::call_id);
      if (found == results.end()) {
        warn(path, fmt::format("there is no tool_result for {} beside it", call.id));
        add_tool_message(call.id, "(no result)");
      } else {
        add_tool_message(call.id, std::move(found->text));
        results.erase(found);
      }
    }
    if (!results.empty()) {
      return invalid_field(
          results.front().path + ".tool_use_id",
          fmt::format("\"{}\" is not the id of a call in the assistant message before it, or was "
                      "answered already",
                      results.front().call_id));
    }
    return {};
  }

  void add_tool_message(const std::string& call_id, std::string text) {
    Message message;
    message.role = Role::kTool;
    message.content = Content(std::move(text));
    message.tool_call_id = call_id;
    chat_.messages.push_back(std::move(message));
  }

  ChatRequest chat_;
  std::optional<Turn> turn_;
  std::vector<ToolCall> open_calls_;  // of the assistant message before the turn being read
  std::set<std::string> removed_;     // names of tools
};

}  // namespace

Parsed<ChatRequest> read_anthropic_conversation(const JsonValue& root) {
  return ConversationReader().read(root);
}

}  // namespace jevons
