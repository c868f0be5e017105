#include "api/openai_responses_request.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "api/openai_request.h"
#include "api/openai_responses_fields.h"
#include "api/openai_responses_input.h"
#include "api/openai_responses_json.h"
#include "api/reasoning_effort.h"
#include "base/check.h"

namespace jevons {
namespace {

constexpr int kMostTokens = std::numeric_limits<int>::max();
constexpr std::size_t kIdLetters = 24;  // of ResponseContext::id

/// Whether a rule is about the member `key`, or about something inside it.
bool is_known(std::string_view key) {
  const std::span<const FieldRule> rules = responses_fields();
  return std::any_of(rules.begin(), rules.end(), [key](const FieldRule& rule) {
    const std::string_view path = rule.path;
    return path.substr(0, path.find_first_of(".[")) == key;
  });
}

ApiError not_found(std::string message, std::string param) {
  ApiError error;
  error.kind = ApiErrorKind::kNotFound;
  error.message = std::move(message);
  error.param = std::move(param);
  return error;
}

/// The item `id` of a stored response. Ids of items contain that of their response.
std::optional<JsonValue> find_stored_item(StoredResponses& stored, std::string_view key_name,
                                          std::string_view id) {
  const std::size_t underscore = id.find('_');
  if (underscore == std::string_view::npos) return std::nullopt;
  const std::string response_id = fmt::format("resp_{}", id.substr(underscore + 1, kIdLetters));
  const auto found = stored.find(key_name, response_id);
  if (found == nullptr) return std::nullopt;
  const auto has_id = [id](const JsonValue& item) {
    const JsonValue* const member = item.find("id");
    return member != nullptr && member->text == id;
  };
  const auto response = parse_json(found->response);
  const auto input = parse_json(found->input);
  const JsonValue* const output = response ? response->find("output") : nullptr;
  for (const JsonValue* const list : {output, input ? &*input : nullptr}) {
    if (list == nullptr) continue;
    const auto item = std::find_if(list->items.begin(), list->items.end(), has_id);
    if (item != list->items.end()) return *item;
  }
  return std::nullopt;
}

class RequestParser {
 public:
  RequestParser(const JsonValue& body, std::string_view key_name, StoredResponses& stored)
      : body_(body), stored_(stored), notes_(std::make_shared<ResponsesNotes>()) {
    notes_->key_name = key_name;
  }

  Parsed<GenerationRequest> parse() {
    JEVONS_TRY(refuse_what_is_not_here());
    JEVONS_TRY(read_model_and_stream());
    JEVONS_TRY(read_conversation());
    JEVONS_TRY(read_tools());
    JEVONS_TRY(read_sampling(body_, request_.sampling));
    JEVONS_TRY(read_reasoning());
    JEVONS_TRY(read_text());
    JEVONS_TRY(read_include());
    write_echo();
    request_.input = std::move(chat_);
    request_.notes = notes_;
    return std::move(request_);
  }

 private:
  void warn(std::string warning) { request_.warnings.push_back(std::move(warning)); }

  Parsed<void> refuse_what_is_not_here() {
    JEVONS_TRY(refuse_fields(body_, responses_fields()));
    for (std::size_t i = 0; i < body_.keys.size(); ++i) {
      const std::string& key = body_.keys[i];
      if (body_.items[i].is_null() || is_known(key)) continue;
      warn(fmt::format("{}: not a known field, ignored", key));
    }
    if (set_field(body_, "context_management") != nullptr) {
      warn("context_management: conversations are not compacted here");
    }
    JEVONS_ASSIGN(const auto truncation, string_field(body_, "truncation", ""));
    if (truncation.value_or("") == "auto") {
      warn("truncation: nothing is cut; a conversation that is too long is an error");
    }
    return {};
  }

  Parsed<void> read_model_and_stream() {
    JEVONS_ASSIGN(const auto model, string_field(body_, "model", ""));
    request_.model = model.value_or("");
    JEVONS_ASSIGN(request_.stream, boolean_field(body_, "stream", "", false));
    JEVONS_ASSIGN(request_.return_progress, boolean_field(body_, "return_progress", "", false));
    JEVONS_ASSIGN(notes_->stored, boolean_field(body_, "store", "", true));
    JEVONS_ASSIGN(const auto tier, string_field(body_, "service_tier", ""));
    if (tier.value_or("") == "flex") request_.priority = Priority::kBackground;
    JEVONS_ASSIGN(request_.max_tokens,
                  integer_field(body_, "max_output_tokens", "", 1, kMostTokens));
    return {};
  }

  Parsed<void> read_conversation() {
    const FindItem find_item = [this](std::string_view id) {
      return find_stored_item(stored_, notes_->key_name, id);
    };
    JEVONS_ASSIGN(const auto instructions, string_field(body_, "instructions", ""));
    if (instructions && !instructions->empty()) {
      Message& system = conversation_.messages.emplace_back();
      system.role = Role::kSystem;
      system.content = Content(*instructions);
    }
    JEVONS_TRY(read_previous(find_item));
    notes_->earlier_items = std::move(conversation_.items);
    conversation_.items.clear();
    const JsonValue* const input = set_field(body_, "input");
    if (input == nullptr) return invalid_field("input", "missing, expected a string or a list");
    JEVONS_TRY(read_responses_input(*input, "input", find_item, conversation_));
    if (conversation_.messages.empty()) return invalid_field("input", "there is nothing to answer");
    notes_->items = std::move(conversation_.items);
    chat_.messages = std::move(conversation_.messages);
    chat_.warnings = std::move(conversation_.warnings);
    return {};
  }

  /// The items of the stored conversation, its last answer included. Its instructions are not
  /// carried over: each request brings its own.
  Parsed<void> read_previous(const FindItem& find_item) {
    JEVONS_ASSIGN(const auto id, string_field(body_, "previous_response_id", ""));
    if (!id) return {};
    const auto previous = stored_.find(notes_->key_name, *id);
    if (previous == nullptr) {
      return std::unexpected(not_found(
          fmt::format("Previous response with id '{}' not found.", *id), "previous_response_id"));
    }
    const auto input = parse_json(previous->input);
    const auto response = parse_json(previous->response);
    const JsonValue* const output = response ? response->find("output") : nullptr;
    JEVONS_CHECK(input && output != nullptr);
    const std::size_t n_warnings = conversation_.warnings.size();
    JEVONS_TRY(read_responses_input(*input, "previous_response_id", find_item, conversation_));
    JEVONS_TRY(read_responses_input(*output, "previous_response_id", find_item, conversation_));
    conversation_.warnings.resize(n_warnings);  // they were told when the items came
    return {};
  }

  Parsed<void> read_tools() {
    ResponsesTools tools;
    if (const JsonValue* const list = set_field(body_, "tools")) {
      JEVONS_TRY(read_responses_tools(*list, "tools", tools, chat_.warnings));
    }
    for (const JsonValue& list : conversation_.tool_lists) {
      JEVONS_TRY(read_responses_tools(list, "input", tools, chat_.warnings));
    }
    if (const JsonValue* const choice = set_field(body_, "tool_choice")) {
      JEVONS_ASSIGN(request_.tool_choice, read_responses_tool_choice(*choice, tools));
    }
    JEVONS_ASSIGN(request_.tool_choice.parallel,
                  boolean_field(body_, "parallel_tool_calls", "", true));
    if (request_.tool_choice.kind == ToolChoice::Kind::kRequired && tools.definitions.empty()) {
      return invalid_field("tool_choice", "is required, but there are no tools to call");
    }
    chat_.tools = std::move(tools.definitions);
    notes_->tools = std::move(tools.by_name);
    return {};
  }

  Parsed<void> read_reasoning() {
    JEVONS_ASSIGN(const JsonValue* const reasoning, object_field(body_, "reasoning", ""));
    if (reasoning == nullptr) return {};
    JEVONS_ASSIGN(const auto effort, string_field(*reasoning, "effort", "reasoning"));
    if (effort) {
      JEVONS_TRY(apply_reasoning_effort(*effort, "reasoning.effort", request_.thinking));
    }
    for (const char* const key : {"summary", "generate_summary"}) {
      JEVONS_ASSIGN(const auto summary, string_field(*reasoning, key, "reasoning"));
      if (summary && *summary != "none") notes_->summarised = true;
    }
    return {};
  }

  Parsed<void> read_text() {
    JEVONS_ASSIGN(const JsonValue* const text, object_field(body_, "text", ""));
    if (text == nullptr) return {};
    JEVONS_ASSIGN(const JsonValue* const format, object_field(*text, "format", "text"));
    if (format == nullptr) return {};
    JEVONS_ASSIGN(const std::string type, required_string(*format, "type", "text.format"));
    if (type == "text") return {};
    if (type == "json_object") {
      request_.format.kind = OutputFormat::Kind::kJsonObject;
      return {};
    }
    if (type != "json_schema") {
      return invalid_field("text.format.type",
                           fmt::format("is \"{}\", expected text, json_object or "
                                       "json_schema",
                                       type));
    }
    JEVONS_ASSIGN(const JsonValue* const schema, object_field(*format, "schema", "text.format"));
    if (schema == nullptr)
      return invalid_field("text.format.schema", "missing, expected an object");
    JEVONS_ASSIGN(const bool strict, boolean_field(*format, "strict", "text.format", false));
    request_.format = OutputFormat{OutputFormat::Kind::kJsonSchema, python_json(*schema), strict};
    return {};
  }

  Parsed<void> read_include() {
    JEVONS_ASSIGN(const JsonValue* const list, list_field(body_, "include", ""));
    for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
      const JsonValue& name = list->items[i];
      if (!name.is_string()) return wrong_kind_of_field(item_path("include", i), name, "a string");
      if (name.text == "reasoning.encrypted_content") notes_->encoded = true;
      if (name.text == "message.output_text.logprobs") notes_->with_logprobs = true;
    }
    JEVONS_ASSIGN(const auto n_top, integer_field(body_, "top_logprobs", "", 0, 20));
    if (n_top.value_or(0) > 0) notes_->with_logprobs = true;
    if (notes_->with_logprobs) request_.n_logprobs = n_top.value_or(0);
    return {};
  }

  /// `name` of the request as a member of the response; `absent` if the request has it not.
  void echo(std::string_view name, std::string_view absent) {
    const JsonValue* const value = set_field(body_, name);
    notes_->echo += fmt::format(R"(,"{}":{})", name,
                                value != nullptr ? python_json(*value) : std::string(absent));
  }

  void write_echo() {
    echo("instructions", "null");
    echo("max_output_tokens", "null");
    echo("max_tool_calls", "null");
    echo("metadata", "{}");
    echo("parallel_tool_calls", "true");
    echo("previous_response_id", "null");
    echo("prompt_cache_key", "null");
    echo("reasoning", R"({"effort":null,"summary":null})");
    echo("safety_identifier", "null");
    notes_->echo += R"(,"service_tier":"default")";
    notes_->echo += fmt::format(R"(,"store":{})", notes_->stored);
    echo("temperature", "null");
    echo("text", R"({"format":{"type":"text"}})");
    echo("tool_choice", R"("auto")");
    echo("tools", "[]");
    echo("top_logprobs", "0");
    echo("top_p", "null");
    notes_->echo += R"(,"truncation":"disabled")";
    echo("user", "null");
  }

  const JsonValue& body_;
  StoredResponses& stored_;
  std::shared_ptr<ResponsesNotes> notes_;
  GenerationRequest request_;
  ResponsesInput conversation_;
  ChatRequest chat_;
};

}  // namespace

Parsed<GenerationRequest> parse_responses_request(std::string_view body, std::string_view key_name,
                                                  StoredResponses& stored) {
  JEVONS_ASSIGN(const JsonValue json, parse_request_object(body));
  return RequestParser(json, key_name, stored).parse();
}

}  // namespace jevons
