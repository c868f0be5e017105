#include "api/openai_completions_request.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/openai_request.h"

namespace jevons {
namespace {

constexpr FieldUse kHonoured = FieldUse::kHonoured;
constexpr FieldUse kIgnored = FieldUse::kIgnored;
constexpr FieldUse kRefused = FieldUse::kRefused;

constexpr int kDefaultMaxTokens = 16;  // the API's own
constexpr std::size_t kMostPrompts = 16;

constexpr FieldRule kFields[] = {
    {"model", kHonoured, "echoed; there is one model, so it is not checked and may be left out"},
    {"prompt", kHonoured,
     "a string, token ids, or a list of up to 16 of either; markers in it become special tokens"},
    {"max_tokens", kHonoured, "16 if left out; cut down to what the context leaves"},
    {"stream", kHonoured, ""},
    {"stream_options.include_usage", kHonoured, ""},
    {"stream_options.include_obfuscation", kIgnored, ""},
    {"return_progress", kHonoured, "chunks with prompt_progress while the prompt is read"},
    {"echo", kHonoured, "the prompt before the answer; without its logprobs"},
    {"n", kHonoured, "1 to 16"},
    {"best_of", kHonoured, "only if it is n: the server does not rank answers"},
    {"stop", kHonoured, "up to 16 strings"},
    {"logprobs", kHonoured, "0 to 20"},
    {"temperature", kHonoured, "0 to 2"},
    {"top_p", kHonoured, ""},
    {"top_k", kHonoured, "0 or -1 is off"},
    {"min_p", kHonoured, ""},
    {"presence_penalty", kHonoured, "-2 to 2"},
    {"frequency_penalty", kHonoured, "-2 to 2"},
    {"repetition_penalty", kHonoured, "0.01 to 100; 1 is off"},
    {"seed", kHonoured, "53 bits of it; -1 is any"},
    {"logit_bias", kHonoured, "by token id, -100 to 100"},
    {"service_tier", kHonoured, "flex is background work; others are ignored"},
    {"suffix", kRefused, "the model does not fill in"},
    {"grammar", kRefused, "use response_format of /v1/chat/completions"},
    {"guided_json", kRefused, "use response_format of /v1/chat/completions"},
    {"guided_regex", kRefused, "use response_format of /v1/chat/completions"},
    {"guided_choice", kRefused, "use response_format of /v1/chat/completions"},
    {"guided_grammar", kRefused, "use response_format of /v1/chat/completions"},
    {"structured_outputs", kRefused, "use response_format of /v1/chat/completions"},
    {"user", kIgnored, ""},
};

bool is_number(const JsonValue& value) { return value.kind == JsonValue::Kind::kNumber; }

Parsed<std::vector<std::int32_t>> read_ids(const JsonValue& list, const std::string& path) {
  std::vector<std::int32_t> ids;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const std::string& text = list.items[i].text;
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (!is_number(list.items[i]) || error != std::errc() || stop != text.data() + text.size() ||
        id < 0) {
      return invalid_field(item_path(path, i), "is not the id of a token");
    }
    ids.push_back(id);
  }
  return ids;
}

class PromptReader {
 public:
  explicit PromptReader(GenerationRequest& request) : request_(request) {}

  Parsed<void> read(const JsonValue& root) {
    const JsonValue* const prompt = set_field(root, "prompt");
    if (prompt == nullptr) return invalid_field("prompt", "missing, expected a text or token ids");
    if (prompt->is_string()) {
      request_.input = std::vector<std::string>{prompt->text};
      return {};
    }
    if (!prompt->is_array()) {
      return wrong_kind_of_field("prompt", *prompt, "a string, a list of strings or token ids");
    }
    if (prompt->items.empty()) return invalid_field("prompt", "is empty, expected a prompt");
    if (is_number(prompt->items.front())) {
      JEVONS_ASSIGN(auto ids, read_ids(*prompt, "prompt"));
      request_.input = std::vector<std::vector<std::int32_t>>{std::move(ids)};
      return {};
    }
    if (prompt->items.size() > kMostPrompts) {
      return invalid_field("prompt", fmt::format("has {} prompts, expected at most {}",
                                                 prompt->items.size(), kMostPrompts));
    }
    return prompt->items.front().is_string() ? read_texts(*prompt) : read_id_lists(*prompt);
  }

 private:
  Parsed<void> read_texts(const JsonValue& prompt) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < prompt.items.size(); ++i) {
      const JsonValue& item = prompt.items[i];
      if (!item.is_string()) return wrong_kind_of_field(item_path("prompt", i), item, "a string");
      texts.push_back(item.text);
    }
    request_.input = std::move(texts);
    return {};
  }

  Parsed<void> read_id_lists(const JsonValue& prompt) {
    std::vector<std::vector<std::int32_t>> lists;
    for (std::size_t i = 0; i < prompt.items.size(); ++i) {
      const JsonValue& item = prompt.items[i];
      const std::string path = item_path("prompt", i);
      if (!item.is_array()) return wrong_kind_of_field(path, item, "a list of token ids");
      JEVONS_ASSIGN(auto ids, read_ids(item, path));
      lists.push_back(std::move(ids));
    }
    if (request_.echo && lists.size() > 1) {
      return unsupported_field("echo", "is not supported with several prompts of token ids");
    }
    request_.input = std::move(lists);
    return {};
  }

  GenerationRequest& request_;
};

}  // namespace

std::span<const FieldRule> openai_completions_fields() { return kFields; }

Parsed<GenerationRequest> parse_openai_completions(std::string_view body) {
  JEVONS_ASSIGN(const JsonValue root, parse_request_object(body));
  JEVONS_TRY(refuse_fields(root, kFields));
  GenerationRequest request;
  auto notes = std::make_shared<OpenAiNotes>();
  JEVONS_TRY(read_frame(root, request, notes->wishes));
  JEVONS_ASSIGN(request.echo, boolean_field(root, "echo", "", false));
  JEVONS_TRY(PromptReader(request).read(root));
  JEVONS_TRY(read_sampling(root, request.sampling));
  JEVONS_ASSIGN(request.max_tokens, read_token_limit(root, "max_tokens"));
  if (set_field(root, "max_tokens") == nullptr) request.max_tokens = kDefaultMaxTokens;
  JEVONS_ASSIGN(const auto logprobs, integer_field(root, "logprobs", "", 0, kMostOpenAiLogprobs));
  request.n_logprobs = logprobs.value_or(-1);
  JEVONS_ASSIGN(const auto best_of, integer_field(root, "best_of", "", 1, kMostOpenAiChoices));
  if (best_of.value_or(request.n) != request.n) {
    return unsupported_field("best_of", "is not n: the server does not rank answers");
  }
  request.notes = std::move(notes);
  return request;
}

}  // namespace jevons
