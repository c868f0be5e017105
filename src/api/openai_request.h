// The request fields that /v1/chat/completions and /v1/completions share, and what both keep of a
// request for its response. Pure functions, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/generation.h"
#include "api/request_fields.h"
#include "text/json_value.h"

namespace jevons {

inline constexpr int kMostOpenAiChoices = 16;
inline constexpr int kMostOpenAiLogprobs = 20;

/// How a client wants its response written.
struct OpenAiWishes {
  bool include_usage = false;         // a last chunk with the usage, in a stream
  bool reasoning_details = false;     // besides reasoning_content
  bool legacy_function_call = false;  // function_call instead of tool_calls
};

struct OpenAiNotes : DialectNotes {
  OpenAiWishes wishes{};
};

/// The member `key` if it is there, not null and of this kind.
[[nodiscard]] Parsed<const JsonValue*> field_of_kind(const JsonValue& object, std::string_view key,
                                                     std::string_view path, JsonValue::Kind kind);

/// Fails on the first field that the table refuses. Fields within others are not looked at.
[[nodiscard]] Parsed<void> refuse_fields(const JsonValue& root, std::span<const FieldRule> rules);

/// temperature, top_p, top_k, min_p, the penalties, seed, logit_bias.
[[nodiscard]] Parsed<void> read_sampling(const JsonValue& root, SamplingWish& sampling);

/// model, n, stop, stream, stream_options, return_progress, service_tier.
[[nodiscard]] Parsed<void> read_frame(const JsonValue& root, GenerationRequest& request,
                                      OpenAiWishes& wishes);

/// A limit of tokens; -1, which some clients write for "no limit", counts as absent.
[[nodiscard]] Parsed<std::optional<int>> read_token_limit(const JsonValue& root,
                                                          std::string_view key);

}  // namespace jevons
