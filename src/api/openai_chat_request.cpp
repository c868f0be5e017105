#include "api/openai_chat_request.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "api/openai_errors.h"
#include "api/openai_request.h"
#include "api/openai_tool_choice.h"
#include "api/reasoning_effort.h"
#include "text/chat_json.h"

namespace jevons {
namespace {

class ChatRequestReader {
 public:
  explicit ChatRequestReader(const JsonValue& root) : root_(root) {}

  Parsed<GenerationRequest> read() {
    JEVONS_TRY(refuse_fields(root_, openai_chat_fields()));
    JEVONS_TRY(read_frame(root_, request_, notes_->wishes));
    JEVONS_TRY(read_conversation());
    JEVONS_TRY(read_sampling(root_, request_.sampling));
    JEVONS_TRY(read_limits());
    JEVONS_TRY(read_logprobs());
    JEVONS_TRY(read_format());
    JEVONS_TRY(read_thinking());
    JEVONS_TRY(read_modalities());
    JEVONS_TRY(note_ignored());
    request_.notes = notes_;
    return std::move(request_);
  }

 private:
  Parsed<void> read_conversation() {
    auto chat = read_chat_request(root_, {.placeholders = true});
    if (!chat) return std::unexpected(request_error(chat.error()));
    if (chat->messages.empty()) {
      return invalid_field("messages", "is empty, expected at least one message");
    }
    JEVONS_ASSIGN(request_.tool_choice, read_tool_choice(root_, chat->tools));
    notes_->wishes.legacy_function_call =
        set_field(root_, "functions") != nullptr && set_field(root_, "tools") == nullptr;
    if (notes_->wishes.legacy_function_call) request_.tool_choice.parallel = false;
    request_.input = *std::move(chat);
    return {};
  }

  Parsed<void> read_limits() {
    JEVONS_ASSIGN(request_.max_tokens, read_token_limit(root_, "max_tokens"));
    JEVONS_ASSIGN(const auto newer, read_token_limit(root_, "max_completion_tokens"));
    if (newer) request_.max_tokens = newer;
    return {};
  }

  Parsed<void> read_logprobs() {
    JEVONS_ASSIGN(const bool wanted, boolean_field(root_, "logprobs", "", false));
    JEVONS_ASSIGN(const auto n, integer_field(root_, "top_logprobs", "", 0, kMostOpenAiLogprobs));
    if (n && *n > 0 && !wanted) {
      return invalid_field("top_logprobs", "is set, which needs logprobs to be true");
    }
    if (wanted) request_.n_logprobs = n.value_or(0);
    return {};
  }

  Parsed<void> read_format() {
    JEVONS_ASSIGN(const JsonValue* const format,
                  field_of_kind(root_, "response_format", "", JsonValue::Kind::kObject));
    if (format == nullptr) return {};
    constexpr std::string_view kPath = "response_format";
    JEVONS_ASSIGN(const std::string type, required_string(*format, "type", kPath));
    if (type == "text") return {};
    if (type == "json_object") {
      request_.format.kind = OutputFormat::Kind::kJsonObject;
      // Other servers take a schema here, too.
      return read_schema(*format, kPath);
    }
    if (type != "json_schema") {
      return invalid_field(
          "response_format.type",
          fmt::format("is \"{}\", expected text, json_object or json_schema", type));
    }
    JEVONS_ASSIGN(const JsonValue* const json_schema,
                  field_of_kind(*format, "json_schema", kPath, JsonValue::Kind::kObject));
    if (json_schema == nullptr) {
      return invalid_field("response_format.json_schema", "missing, expected an object");
    }
    request_.format.kind = OutputFormat::Kind::kJsonObject;
    JEVONS_ASSIGN(request_.format.strict,
                  boolean_field(*json_schema, "strict", "response_format.json_schema", false));
    return read_schema(*json_schema, "response_format.json_schema");
  }

  Parsed<void> read_schema(const JsonValue& holder, std::string_view path) {
    JEVONS_ASSIGN(const JsonValue* const schema,
                  field_of_kind(holder, "schema", path, JsonValue::Kind::kObject));
    if (schema == nullptr) return {};
    request_.format.kind = OutputFormat::Kind::kJsonSchema;
    request_.format.schema_json = python_json(*schema);
    return {};
  }

  /// Several clients' ways of saying how long to think; where they contradict, the last counts.
  Parsed<void> read_thinking() {
    Thinking& thinking = request_.thinking;
    JEVONS_TRY(read_effort(root_, "reasoning_effort", ""));
    JEVONS_TRY(read_reasoning_object());
    JEVONS_TRY(read_template_arguments());
    JEVONS_TRY(read_switch(root_, "enable_thinking", ""));
    JEVONS_TRY(read_thinking_object());
    JEVONS_TRY(read_budget(root_, "thinking_budget", ""));
    JEVONS_ASSIGN(const bool included, boolean_field(root_, "include_reasoning", "", true));
    thinking.shown = thinking.shown && included;
    JEVONS_ASSIGN(notes_->wishes.reasoning_details,
                  boolean_field(root_, "reasoning_split", "", false));
    return {};
  }

  Parsed<void> read_effort(const JsonValue& object, std::string_view key, std::string_view path) {
    JEVONS_ASSIGN(const auto effort, string_field(object, key, path));
    if (!effort) return {};
    return apply_reasoning_effort(*effort, member_path(path, key), request_.thinking);
  }

  Parsed<void> read_switch(const JsonValue& object, std::string_view key, std::string_view path) {
    JEVONS_ASSIGN(const bool enabled, boolean_field(object, key, path, request_.thinking.enabled));
    if (!enabled) {
      disable_thinking(request_.thinking);
    } else if (!request_.thinking.enabled) {
      request_.thinking = Thinking{.shown = request_.thinking.shown};
    }
    return {};
  }

  Parsed<void> read_budget(const JsonValue& object, std::string_view key, std::string_view path) {
    JEVONS_ASSIGN(const auto n,
                  integer_field(object, key, path, -1, std::numeric_limits<int>::max()));
    if (n && *n >= 0) apply_thinking_budget(*n, request_.thinking);
    return {};
  }

  /// {"effort", "max_tokens", "enabled", "exclude"}
  Parsed<void> read_reasoning_object() {
    constexpr std::string_view kPath = "reasoning";
    JEVONS_ASSIGN(const JsonValue* const reasoning,
                  field_of_kind(root_, kPath, "", JsonValue::Kind::kObject));
    if (reasoning == nullptr) return {};
    JEVONS_TRY(read_effort(*reasoning, "effort", kPath));
    JEVONS_TRY(read_budget(*reasoning, "max_tokens", kPath));
    JEVONS_TRY(read_switch(*reasoning, "enabled", kPath));
    JEVONS_ASSIGN(const bool excluded, boolean_field(*reasoning, "exclude", kPath, false));
    request_.thinking.shown = !excluded;
    return {};
  }

  /// Arguments of other models' templates that mean the same.
  Parsed<void> read_template_arguments() {
    constexpr std::string_view kPath = "chat_template_kwargs";
    JEVONS_ASSIGN(const JsonValue* const arguments,
                  field_of_kind(root_, kPath, "", JsonValue::Kind::kObject));
    if (arguments == nullptr) return {};
    JEVONS_TRY(read_effort(*arguments, "reasoning_effort", kPath));
    JEVONS_TRY(read_switch(*arguments, "enable_thinking", kPath));
    JEVONS_TRY(read_switch(*arguments, "thinking", kPath));
    return read_budget(*arguments, "thinking_budget", kPath);
  }

  /// {"type": "enabled", "budget_tokens": 1024}
  Parsed<void> read_thinking_object() {
    constexpr std::string_view kPath = "thinking";
    JEVONS_ASSIGN(const JsonValue* const thinking,
                  field_of_kind(root_, kPath, "", JsonValue::Kind::kObject));
    if (thinking == nullptr) return {};
    JEVONS_ASSIGN(const auto type, string_field(*thinking, "type", kPath));
    if (type == "disabled") {
      disable_thinking(request_.thinking);
      return {};
    }
    if (type && *type != "enabled" && *type != "adaptive" && *type != "auto") {
      return invalid_field("thinking.type",
                           fmt::format("is \"{}\", expected enabled, disabled or adaptive", *type));
    }
    if (type && !request_.thinking.enabled) {
      request_.thinking = Thinking{.shown = request_.thinking.shown};
    }
    return read_budget(*thinking, "budget_tokens", kPath);
  }

  Parsed<void> read_modalities() {
    JEVONS_ASSIGN(const JsonValue* const modalities,
                  field_of_kind(root_, "modalities", "", JsonValue::Kind::kArray));
    if (modalities == nullptr) return {};
    for (const JsonValue& modality : modalities->items) {
      if (modality.text != "text") {
        return unsupported_field("modalities", "the model writes text only");
      }
    }
    return {};
  }

  Parsed<void> note_ignored() {
    JEVONS_ASSIGN(const bool stored, boolean_field(root_, "store", "", false));
    if (stored) request_.warnings.emplace_back("store: answers are not stored");
    if (set_field(root_, "prediction") != nullptr) {
      request_.warnings.emplace_back("prediction: is not used");
    }
    return {};
  }

  const JsonValue& root_;
  GenerationRequest request_;
  std::shared_ptr<OpenAiNotes> notes_ = std::make_shared<OpenAiNotes>();
};

}  // namespace

Parsed<GenerationRequest> parse_openai_chat(std::string_view body) {
  JEVONS_ASSIGN(const JsonValue root, parse_request_object(body));
  return ChatRequestReader(root).read();
}

}  // namespace jevons
