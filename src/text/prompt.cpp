#include "text/prompt.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "text/json_value.h"
#include "text/known_nonces.h"
#include "text/m2_markers.h"

namespace jevons {
namespace {

class PieceWriter {
 public:
  void ours(std::string_view text) { add(text, true); }
  void theirs(std::string_view text) { add(text, false); }

  [[nodiscard]] std::size_t n_bytes() const { return n_bytes_; }
  PromptPlaces& places() { return places_; }

  PlacedPrompt take() { return {std::move(pieces_), std::move(places_)}; }

 private:
  void add(std::string_view text, bool trusted) {
    if (text.empty()) return;
    n_bytes_ += text.size();
    if (pieces_.empty() || pieces_.back().trusted != trusted) {
      pieces_.push_back(PromptPiece{std::string(), trusted});
    }
    pieces_.back().text += text;
  }

  std::vector<PromptPiece> pieces_;
  std::size_t n_bytes_ = 0;
  PromptPlaces places_;
};

void write_turn_begin(PieceWriter& out, std::string_view role) {
  out.ours(kRoleMarker);
  out.ours(role);
}

void write_turn_end(PieceWriter& out) {
  out.ours(kEndOfTurn);
  out.ours("\n");
}

Result<void> go_on(const std::stop_token& stop) {
  if (stop.stop_requested()) return fail("given up: nobody waits for it any more");
  return {};
}

Result<void> write_tools(PieceWriter& out, std::span<const ToolDefinition> tools,
                         const std::stop_token& stop) {
  if (std::ranges::none_of(tools, &ToolDefinition::is_listed)) return {};
  out.ours(
      "\n\n# Tools\nYou may call one or more tools to assist with the user query.\n"
      "Here are the tools available in JSONSchema format:\n\n<tools>\n");
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (!tools[i].is_listed) continue;
    JEVONS_TRY(go_on(stop));
    const auto function = parse_json(tools[i].function_json);
    if (!function) return fail("tools[{}].function: {}", i, function.error().message);
    if (!function->is_object()) {
      return fail("tools[{}].function is {}, expected an object", i,
                  json_kind_name(function->kind));
    }
    out.ours("<tool>");
    out.theirs(python_json(*function));
    out.ours("</tool>\n");
  }
  out.ours(
      "</tools>\n\nWhen making tool calls, use XML format to invoke tools and pass parameters:\n"
      "\n<minimax:tool_call>\n<invoke name=\"tool-name-1\">\n"
      "<parameter name=\"param-key-1\">param-value-1</parameter>\n"
      "<parameter name=\"param-key-2\">param-value-2</parameter>\n"
      "...\n</invoke>\n</minimax:tool_call>");
  return {};
}

void write_optional_line(PieceWriter& out, std::string_view label,
                         const std::optional<std::string>& value) {
  if (!value || value->empty()) return;
  out.ours(label);
  out.theirs(*value);
}

/// The text of the messages that stand for the system text; nothing if they have none. An empty
/// list of parts counts as missing, a list of empty parts does not: as in the template.
std::optional<std::string> system_text(std::span<const Message> messages,
                                       const PromptOptions& options) {
  std::optional<std::string> text;
  for (const Message& message : messages) {
    const Content content =
        options.known_nonces ? message.content : without_known_nonces(message.content);
    if (content.parts.empty() || (!content.is_list && content.parts.front().empty())) continue;
    text = text ? *text + "\n\n" + content.joined() : content.joined();
  }
  return text;
}

/// The system block is always there. `messages`: the system messages that come first.
Result<void> write_system(PieceWriter& out, std::span<const Message> messages,
                          const ChatRequest& request, const PromptFormat& format,
                          const PromptOptions& options) {
  out.places().messages.assign(messages.size(), 0);
  out.ours(kBeginOfText);
  write_turn_begin(out, "system\n");
  const std::string identity = options.model_identity.value_or(format.default_identity);
  out.theirs(system_text(messages, options).value_or(identity));
  if (!messages.empty()) {
    write_optional_line(out, "\nCurrent date: ", messages.front().current_date);
    write_optional_line(out, "\nCurrent location: ", messages.front().current_location);
  }
  out.places().tools = out.n_bytes();
  JEVONS_TRY(write_tools(out, request.tools, options.stop));
  write_turn_end(out);
  out.places().system_end = out.n_bytes();
  return {};
}

std::string_view strip_newlines(std::string_view text) {
  while (text.starts_with('\n')) text.remove_prefix(1);
  while (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

struct Answer {
  std::string reasoning, content;
};

/// Reasoning that was not given apart is looked for inside the content, as the template does it:
/// it ends at the first </think>, the content begins after the last.
Answer split_answer(const Message& message) {
  Answer answer{message.reasoning.value_or(std::string()), message.content.joined()};
  if (message.reasoning) return answer;
  const std::string_view whole = answer.content;
  const std::size_t first_end = whole.find(kThinkEnd);
  if (first_end == std::string_view::npos) return answer;
  std::string_view reasoning = strip_newlines(whole.substr(0, first_end));
  const std::size_t begin = reasoning.rfind(kThinkBegin);
  if (begin != std::string_view::npos) reasoning.remove_prefix(begin + kThinkBegin.size());
  const std::size_t content_begin = whole.rfind(kThinkEnd) + kThinkEnd.size();
  return {std::string(strip_newlines(reasoning)),
          std::string(strip_newlines(whole.substr(content_begin)))};
}

Result<void> write_call(PieceWriter& out, const ToolCall& call) {
  JEVONS_ASSIGN(const JsonValue arguments, parse_json(call.arguments));
  if (!arguments.is_object()) {
    return fail("is {}, expected an object", json_kind_name(arguments.kind));
  }
  out.ours("<invoke name=\"");
  out.theirs(call.name);
  out.ours("\">\n");
  for (std::size_t i = 0; i < arguments.items.size(); ++i) {
    const JsonValue& value = arguments.items[i];
    out.ours("<parameter name=\"");
    out.theirs(arguments.keys[i]);
    out.ours("\">");
    out.theirs(value.is_string() ? value.text : python_json(value));
    out.ours("</parameter>\n");
  }
  out.ours("</invoke>\n");
  return {};
}

Result<void> write_assistant(PieceWriter& out, const Message& message, std::size_t index,
                             bool shows_reasoning) {
  const Answer answer = split_answer(message);
  write_turn_begin(out, "ai\n");
  const std::size_t begin = out.n_bytes();
  if (shows_reasoning && !answer.reasoning.empty()) {
    out.ours("<think>\n");
    out.theirs(answer.reasoning);
    out.ours("\n</think>\n\n");
  }
  out.theirs(answer.content);
  if (!message.tool_calls.empty()) {
    out.ours("\n<minimax:tool_call>\n");
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
      if (const auto written = write_call(out, message.tool_calls[i]); !written) {
        return fail("messages[{}].tool_calls[{}].function.arguments: {}", index, i,
                    written.error().message);
      }
    }
    out.ours(kToolCallBlockEnd);
  }
  if (shows_reasoning) out.places().answers.push_back({index, begin, out.n_bytes()});
  write_turn_end(out);
  return {};
}

void write_tool_result(PieceWriter& out, const Content& content) {
  if (!content.is_list) {
    out.ours("\n<response>");
    out.theirs(content.joined());
    out.ours("</response>");
    return;
  }
  for (const std::string& part : content.parts) {
    out.ours("\n<response>");
    out.theirs(part);
    out.ours("\n</response>");
  }
}

void write_user(PieceWriter& out, const Message& message) {
  write_turn_begin(out, "user\n");
  out.theirs(message.content.joined());
  write_turn_end(out);
}

void write_late_system(PieceWriter& out, const Message& message) {
  const std::string text = message.content.joined();
  if (text.empty()) return;
  write_turn_begin(out, "user\n");
  out.ours("<system-reminder>\n");
  out.theirs(text);
  out.ours("\n</system-reminder>");
  write_turn_end(out);
}

/// `first`: index of the first message after the system messages that come first.
Result<void> write_turns(PieceWriter& out, std::span<const Message> messages, std::size_t first,
                         const PromptOptions& options) {
  std::size_t n_until_last_user = 0;  // messages up to and including the last user message
  for (std::size_t i = first; i < messages.size(); ++i) {
    if (messages[i].role == Role::kUser) n_until_last_user = i + 1;
  }
  bool called_tools = false;  // by the latest assistant message
  for (std::size_t i = first; i < messages.size(); ++i) {
    JEVONS_TRY(go_on(options.stop));
    const Message& message = messages[i];
    out.places().messages.push_back(out.n_bytes());
    switch (message.role) {
      case Role::kSystem:
        if (options.late_system_messages) write_late_system(out, message);
        break;
      case Role::kUser:
        write_user(out, message);
        break;
      case Role::kAssistant:
        called_tools = !message.tool_calls.empty();
        JEVONS_TRY(write_assistant(out, message, i, i >= n_until_last_user));
        break;
      case Role::kTool:
        if (!called_tools) {
          return fail(
              "messages[{}] is a tool result, but no assistant message with tool calls "
              "comes before it",
              i);
        }
        if (i == first || messages[i - 1].role != Role::kTool) write_turn_begin(out, "tool");
        write_tool_result(out, message.content);
        if (i + 1 == messages.size() || messages[i + 1].role != Role::kTool) write_turn_end(out);
        break;
    }
  }
  return {};
}

/// How many messages are the system text.
std::size_t count_first_system_messages(std::span<const Message> messages, bool joins_them) {
  std::size_t n = 0;
  while (n < messages.size() && messages[n].role == Role::kSystem && (joins_them || n == 0)) ++n;
  return n;
}

}  // namespace

Result<PlacedPrompt> render_placed_prompt(const ChatRequest& request, const PromptFormat& format,
                                          const PromptOptions& options) {
  const std::span<const Message> messages = request.messages;
  const std::size_t n_system = count_first_system_messages(messages, options.late_system_messages);
  PieceWriter out;
  JEVONS_TRY(write_system(out, messages.first(n_system), request, format, options));
  JEVONS_TRY(write_turns(out, messages, n_system, options));
  if (options.add_generation_prompt) {
    write_turn_begin(out, "ai\n");
    out.ours(answer_opening(options.thinking));
  }
  return out.take();
}

Result<std::vector<PromptPiece>> render_prompt(const ChatRequest& request,
                                               const PromptFormat& format,
                                               const PromptOptions& options) {
  JEVONS_ASSIGN(PlacedPrompt prompt, render_placed_prompt(request, format, options));
  return std::move(prompt.pieces);
}

std::string_view answer_opening(bool thinking) {
  return thinking ? "<think>\n" : "<think>\n\n</think>\n\n";
}

std::string prompt_text(std::span<const PromptPiece> pieces) {
  std::string text;
  for (const PromptPiece& piece : pieces) text += piece.text;
  return text;
}

}  // namespace jevons
