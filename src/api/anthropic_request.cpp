#include "api/anthropic_request.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "api/anthropic_conversation.h"
#include "api/anthropic_tools.h"
#include "api/reasoning_effort.h"

namespace jevons {
namespace {

constexpr int kAny = std::numeric_limits<int>::max();

/// What would change the answer or its place and is not there.
Parsed<void> refuse_what_is_not_there(const JsonValue& root) {
  const JsonValue* const servers = set_field(root, "mcp_servers");
  if (servers != nullptr && !(servers->is_array() && servers->items.empty())) {
    return unsupported_field("mcp_servers",
                             "this server calls no tools itself: run them in the client");
  }
  if (set_field(root, "container") != nullptr) {
    return unsupported_field("container", "this server has no containers");
  }
  if (set_field(root, "thread") != nullptr) {
    return unsupported_field("thread", "conversations are not kept here: send all messages");
  }
  if (set_field(root, "compaction") != nullptr) {
    return unsupported_field("compaction",
                             "conversations are not summarised here: ask for a summary instead");
  }
  return {};
}

/// thinking.type and its budget.
Parsed<void> read_thinking_type(const JsonValue& json, Thinking& thinking) {
  JEVONS_ASSIGN(const std::string type, required_string(json, "type", "thinking"));
  if (type == "disabled") {
    disable_thinking(thinking);
  } else if (type == "enabled") {
    JEVONS_ASSIGN(const auto budget, integer_field(json, "budget_tokens", "thinking", 1, kAny));
    if (budget) apply_thinking_budget(*budget, thinking);
  } else if (type != "adaptive" && type != "between_tools") {
    return invalid_field(
        "thinking.type",
        fmt::format("is \"{}\", expected enabled, disabled, adaptive or between_tools", type));
  }
  return {};
}

/// `thinking`, and output_config.effort where that leaves it open.
Parsed<Thinking> read_thinking(const JsonValue& root) {
  Thinking thinking;
  if (const JsonValue* const json = set_field(root, "thinking")) {
    if (!json->is_object()) return wrong_kind_of_field("thinking", *json, "an object with a type");
    JEVONS_TRY(read_thinking_type(*json, thinking));
    JEVONS_ASSIGN(const auto display, string_field(*json, "display", "thinking"));
    thinking.shown = display != "omitted";
  }
  const JsonValue* const config = set_field(root, "output_config");
  if (config == nullptr || !thinking.enabled || thinking.budget_tokens) return thinking;
  JEVONS_ASSIGN(const auto effort, string_field(*config, "effort", "output_config"));
  if (effort) JEVONS_TRY(apply_reasoning_effort(*effort, "output_config.effort", thinking));
  return thinking;
}

Parsed<OutputFormat> read_format(const JsonValue& json, const std::string& path) {
  OutputFormat format;
  if (!json.is_object()) return wrong_kind_of_field(path, json, "an object with a type");
  JEVONS_ASSIGN(const std::string type, required_string(json, "type", path));
  if (type != "json_schema") {
    return invalid_field(path + ".type", fmt::format("is \"{}\", expected json_schema", type));
  }
  const JsonValue* const schema = set_field(json, "schema");
  if (schema == nullptr) return invalid_field(path + ".schema", "missing, expected a JSON schema");
  if (!schema->is_object()) {
    return wrong_kind_of_field(path + ".schema", *schema, "a JSON schema object");
  }
  format.kind = OutputFormat::Kind::kJsonSchema;
  format.schema_json = python_json(*schema);
  format.strict = true;
  return format;
}

/// output_config.format, and output_format as it was called before.
Parsed<OutputFormat> read_output_format(const JsonValue& root) {
  const JsonValue* const config = set_field(root, "output_config");
  const JsonValue* const format = config != nullptr ? set_field(*config, "format") : nullptr;
  if (format != nullptr) return read_format(*format, "output_config.format");
  const JsonValue* const older = set_field(root, "output_format");
  return older != nullptr ? read_format(*older, "output_format") : OutputFormat{};
}

Parsed<std::vector<std::string>> read_stop_sequences(const JsonValue& root) {
  std::vector<std::string> stops;
  const JsonValue* const json = set_field(root, "stop_sequences");
  if (json == nullptr) return stops;
  if (!json->is_array()) return wrong_kind_of_field("stop_sequences", *json, "a list of strings");
  for (std::size_t i = 0; i < json->items.size(); ++i) {
    const JsonValue& stop = json->items[i];
    const std::string path = item_path("stop_sequences", i);
    if (!stop.is_string()) return wrong_kind_of_field(path, stop, "a string");
    if (stop.text.empty()) return invalid_field(path, "is empty: it would stop at once");
    stops.push_back(stop.text);
  }
  return stops;
}

Parsed<SamplingWish> read_sampling(const JsonValue& root) {
  SamplingWish sampling;
  JEVONS_ASSIGN(sampling.temperature, number_field(root, "temperature", "", 0, 2));
  JEVONS_ASSIGN(sampling.top_p, number_field(root, "top_p", "", 0, 1));
  JEVONS_ASSIGN(sampling.top_k, integer_field(root, "top_k", "", 0, kAny));
  return sampling;
}

/// Zero asks for the prompt to be read into the cache and for nothing else.
Parsed<void> read_max_tokens(const JsonValue& root, bool counts_only, GenerationRequest& request) {
  JEVONS_ASSIGN(request.max_tokens, integer_field(root, "max_tokens", "", 0, kAny));
  if (!request.max_tokens && !counts_only) {
    return invalid_field("max_tokens", "missing, expected an integer");
  }
  if (request.max_tokens == 0) {
    request.prompt_only = true;
    request.max_tokens = 1;
  }
  return {};
}

/// Edits of the conversation that the API would make once it has grown.
void warn_of_edits(const JsonValue& root, GenerationRequest& request) {
  const JsonValue* const management = set_field(root, "context_management");
  const JsonValue* const edits = management != nullptr ? management->find("edits") : nullptr;
  if (edits == nullptr || !edits->is_array()) return;
  for (std::size_t i = 0; i < edits->items.size(); ++i) {
    const JsonValue* const type = edits->items[i].find("type");
    if (type == nullptr || type->text.starts_with("clear_thinking")) continue;
    request.warnings.push_back(
        fmt::format("context_management.edits[{}]: \"{}\" is ignored: the conversation is read as "
                    "it was sent",
                    i, type->text));
  }
}

}  // namespace

Parsed<GenerationRequest> read_anthropic_request(std::string_view body, bool counts_only) {
  JEVONS_ASSIGN(const JsonValue root, parse_request_object(body));
  GenerationRequest request;
  request.call_id_prefix = "toolu_";
  JEVONS_ASSIGN(auto model, string_field(root, "model", ""));
  request.model = std::move(model).value_or("");
  JEVONS_TRY(refuse_what_is_not_there(root));
  JEVONS_TRY(read_max_tokens(root, counts_only, request));
  JEVONS_ASSIGN(ChatRequest chat, read_anthropic_conversation(root));
  JEVONS_ASSIGN(request.tool_choice, read_anthropic_tool_choice(root, chat));
  request.input = std::move(chat);
  const JsonValue* const config = set_field(root, "output_config");
  if (config != nullptr && !config->is_object()) {
    return wrong_kind_of_field("output_config", *config, "an object");
  }
  JEVONS_ASSIGN(request.format, read_output_format(root));
  JEVONS_ASSIGN(request.thinking, read_thinking(root));
  JEVONS_ASSIGN(request.sampling, read_sampling(root));
  JEVONS_ASSIGN(request.stop, read_stop_sequences(root));
  JEVONS_ASSIGN(request.stream, boolean_field(root, "stream", "", false));
  JEVONS_ASSIGN(request.return_progress, boolean_field(root, "return_progress", "", false));
  warn_of_edits(root, request);
  return request;
}

}  // namespace jevons
