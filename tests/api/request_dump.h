// A request as text, one fact a line, for golden files.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <variant>

#include "api/generation.h"
#include "text/json_value.h"

namespace jevons {

inline std::string dump_message(const Message& message) {
  static constexpr std::string_view kRoles[] = {"system", "user", "assistant", "tool"};
  std::string text{kRoles[static_cast<std::size_t>(message.role)]};
  if (!message.tool_call_id.empty()) text += " answers " + message.tool_call_id;
  for (const std::string& part : message.content.parts) text += "\n  text " + json_string(part);
  if (message.reasoning) text += "\n  reasoning " + json_string(*message.reasoning);
  for (const ToolCall& call : message.tool_calls) {
    text += fmt::format("\n  call {} {} {}", call.id, call.name, call.arguments);
  }
  return text + "\n";
}

inline std::string dump_request(const GenerationRequest& request) {
  static constexpr std::string_view kChoices[] = {"auto", "none", "required", "named"};
  static constexpr std::string_view kFormats[] = {"text", "json_object", "json_schema"};
  const auto& chat = std::get<ChatRequest>(request.input);
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{}: {}\n", name, value);
  };
  line("model", request.model);
  if (request.max_tokens) line("max_tokens", fmt::format("{}", *request.max_tokens));
  line("tool_choice",
       fmt::format("{} {}parallel={}", kChoices[static_cast<std::size_t>(request.tool_choice.kind)],
                   request.tool_choice.name.empty() ? "" : request.tool_choice.name + " ",
                   request.tool_choice.parallel));
  line("format",
       fmt::format("{} {} strict={}", kFormats[static_cast<std::size_t>(request.format.kind)],
                   request.format.schema_json, request.format.strict));
  line("thinking", fmt::format("enabled={} shown={} budget={} asked={}", request.thinking.enabled,
                               request.thinking.shown, request.thinking.budget_tokens.value_or(-1),
                               request.thinking.asked));
  if (request.sampling.temperature) {
    line("temperature", fmt::format("{}", *request.sampling.temperature));
  }
  if (request.sampling.top_p) line("top_p", fmt::format("{}", *request.sampling.top_p));
  if (request.sampling.top_k) line("top_k", fmt::format("{}", *request.sampling.top_k));
  for (const std::string& stop : request.stop) line("stop", json_string(stop));
  line("stream", fmt::format("{} progress={} prompt_only={} ids={}", request.stream,
                             request.return_progress, request.prompt_only, request.call_id_prefix));
  for (const std::string& warning : request.warnings) line("warning", warning);
  for (const std::string& warning : chat.warnings) line("chat warning", warning);
  for (const ToolDefinition& tool : chat.tools) {
    line(tool.is_listed ? "tool" : "unlisted tool", tool.name + " " + tool.function_json);
  }
  for (const Message& message : chat.messages) text += dump_message(message);
  return text;
}

}  // namespace jevons
