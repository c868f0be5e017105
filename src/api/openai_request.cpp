#include "api/openai_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace jevons {
namespace {

constexpr std::size_t kMostStopStrings = 16;
constexpr std::size_t kMostBiasedTokens = 1024;

/// Seeds have 53 bits here, so larger ones and negative ones are folded; -1 is "any" to clients
/// of other local servers.
Parsed<std::optional<std::uint64_t>> read_seed(const JsonValue& root) {
  const JsonValue* const value = set_field(root, "seed");
  if (value == nullptr) return std::nullopt;
  if (value->kind != JsonValue::Kind::kNumber) {
    return wrong_kind_of_field("seed", *value, "an integer");
  }
  std::int64_t number = 0;
  const char* const end = value->text.data() + value->text.size();
  const auto [stop, error] = std::from_chars(value->text.data(), end, number);
  if (error != std::errc() || stop != end) {
    return invalid_field(
        "seed", fmt::format("is {}, expected an integer of 64 bits", value->text.substr(0, 40)));
  }
  if (number == -1) return std::nullopt;
  return static_cast<std::uint64_t>(number) & ((std::uint64_t{1} << 53) - 1);
}

Parsed<void> read_logit_bias(const JsonValue& root, SamplingWish& sampling) {
  JEVONS_ASSIGN(const JsonValue* const bias,
                field_of_kind(root, "logit_bias", "", JsonValue::Kind::kObject));
  if (bias == nullptr) return {};
  if (bias->items.size() > kMostBiasedTokens) {
    return invalid_field("logit_bias", fmt::format("has {} tokens, expected at most {}",
                                                   bias->items.size(), kMostBiasedTokens));
  }
  for (const std::string& key : bias->keys) {
    std::int32_t id = 0;
    const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || stop != key.data() + key.size() || id < 0) {
      return invalid_field("logit_bias",
                           fmt::format("\"{}\" is not the id of a token", key.substr(0, 40)));
    }
    JEVONS_ASSIGN(const auto value, number_field(*bias, key, "logit_bias", -100, 100));
    if (value) sampling.logit_bias.emplace_back(id, *value);
  }
  return {};
}

Parsed<void> read_stop(const JsonValue& root, std::vector<std::string>& stop) {
  const JsonValue* const value = set_field(root, "stop");
  if (value == nullptr) return {};
  constexpr std::string_view kExpected = "a string or a list of strings";
  if (!value->is_string() && !value->is_array()) {
    return wrong_kind_of_field("stop", *value, kExpected);
  }
  if (value->is_string()) {
    if (!value->text.empty()) stop.push_back(value->text);
    return {};
  }
  if (value->items.size() > kMostStopStrings) {
    return invalid_field("stop", fmt::format("has {} strings, expected at most {}",
                                             value->items.size(), kMostStopStrings));
  }
  for (std::size_t i = 0; i < value->items.size(); ++i) {
    const JsonValue& item = value->items[i];
    if (!item.is_string()) return wrong_kind_of_field(item_path("stop", i), item, "a string");
    if (!item.text.empty()) stop.push_back(item.text);
  }
  return {};
}

Parsed<void> read_stream(const JsonValue& root, GenerationRequest& request, OpenAiWishes& wishes) {
  JEVONS_ASSIGN(request.stream, boolean_field(root, "stream", "", false));
  JEVONS_ASSIGN(request.return_progress, boolean_field(root, "return_progress", "", false));
  JEVONS_ASSIGN(const JsonValue* const options,
                field_of_kind(root, "stream_options", "", JsonValue::Kind::kObject));
  if (options == nullptr) return {};
  JEVONS_ASSIGN(wishes.include_usage,
                boolean_field(*options, "include_usage", "stream_options", false));
  return {};
}

/// Null, false, "" and [] ask for nothing.
bool asks_for_nothing(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::kNull:
      return true;
    case JsonValue::Kind::kBoolean:
      return !value.boolean;
    case JsonValue::Kind::kString:
      return value.text.empty();
    case JsonValue::Kind::kArray:
      return value.items.empty();
    case JsonValue::Kind::kNumber:
    case JsonValue::Kind::kObject:
      return false;
  }
  return false;
}

}  // namespace

Parsed<const JsonValue*> field_of_kind(const JsonValue& object, std::string_view key,
                                       std::string_view path, JsonValue::Kind kind) {
  const JsonValue* const value = set_field(object, key);
  if (value != nullptr && value->kind != kind) {
    return wrong_kind_of_field(member_path(path, key), *value, json_kind_name(kind));
  }
  return value;
}

Parsed<void> refuse_fields(const JsonValue& root, std::span<const FieldRule> rules) {
  for (const FieldRule& rule : rules) {
    if (rule.use != FieldUse::kRefused) continue;
    const JsonValue* const value = root.find(rule.path);
    if (value == nullptr || asks_for_nothing(*value)) continue;
    return unsupported_field(rule.path, fmt::format("is not supported: {}", rule.note));
  }
  return {};
}

Parsed<void> read_sampling(const JsonValue& root, SamplingWish& sampling) {
  JEVONS_ASSIGN(sampling.temperature, number_field(root, "temperature", "", 0, 2));
  JEVONS_ASSIGN(sampling.top_p, number_field(root, "top_p", "", 0, 1));
  JEVONS_ASSIGN(sampling.min_p, number_field(root, "min_p", "", 0, 1));
  JEVONS_ASSIGN(const auto top_k,
                integer_field(root, "top_k", "", -1, std::numeric_limits<int>::max()));
  if (top_k) sampling.top_k = std::max(*top_k, 0);  // -1 is "off" to clients of other servers
  JEVONS_ASSIGN(sampling.presence_penalty, number_field(root, "presence_penalty", "", -2, 2));
  JEVONS_ASSIGN(sampling.frequency_penalty, number_field(root, "frequency_penalty", "", -2, 2));
  JEVONS_ASSIGN(sampling.repetition_penalty,
                number_field(root, "repetition_penalty", "", 0.01F, 100));
  JEVONS_ASSIGN(sampling.seed, read_seed(root));
  return read_logit_bias(root, sampling);
}

Parsed<void> read_frame(const JsonValue& root, GenerationRequest& request, OpenAiWishes& wishes) {
  JEVONS_ASSIGN(const auto model, string_field(root, "model", ""));
  request.model = model.value_or("");
  JEVONS_ASSIGN(const auto n, integer_field(root, "n", "", 1, kMostOpenAiChoices));
  request.n = n.value_or(1);
  JEVONS_TRY(read_stop(root, request.stop));
  JEVONS_TRY(read_stream(root, request, wishes));
  JEVONS_ASSIGN(const auto tier, string_field(root, "service_tier", ""));
  if (tier.value_or("") == "flex") request.priority = Priority::kBackground;
  return {};
}

Parsed<std::optional<int>> read_token_limit(const JsonValue& root, std::string_view key) {
  JEVONS_ASSIGN(const auto limit,
                integer_field(root, key, "", -1, std::numeric_limits<int>::max()));
  if (!limit || *limit == -1) return std::nullopt;
  if (*limit == 0) return invalid_field(key, "is 0, expected at least 1");
  return limit;
}

}  // namespace jevons
