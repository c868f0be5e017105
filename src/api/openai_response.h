// The parts of a response that /v1/chat/completions and /v1/completions share, as JSON text.
#pragma once

#include <string>
#include <string_view>

#include "api/dialect.h"
#include "api/generation.h"
#include "api/openai_request.h"

namespace jevons {

/// "stop", "length", "tool_calls". A call that the end of the answer cut off is like a text that
/// it cut off: "length", so that nobody runs it.
[[nodiscard]] std::string_view openai_finish_reason(const ChoiceEnd& end, bool call_was_cut);

/// The usage object, with our report in its member `jevons`.
[[nodiscard]] std::string openai_usage_json(const Finished& finished);

/// The head of a response or chunk up to its choices: {"id":...,"object":...,"created":...,
/// "model":... without the closing brace.
[[nodiscard]] std::string openai_response_head(std::string_view id_prefix, std::string_view object,
                                               const GenerationRequest& request,
                                               const ResponseContext& context);

/// A chunk without choices that says how far the prompt is read.
[[nodiscard]] std::string openai_progress_json(std::string_view head, const Progress& progress);

/// data: JSON, as an event of a stream.
[[nodiscard]] std::string openai_event(std::string_view json);

/// What a stream ends with.
inline constexpr std::string_view kOpenAiDone = "data: [DONE]\n\n";

/// Of a request that one of the two endpoints parsed.
[[nodiscard]] const OpenAiWishes& openai_wishes(const GenerationRequest& request);

/// A logarithm of a probability; minus infinity, which JSON has not, is -9999.
[[nodiscard]] std::string logprob_json(float logprob);

}  // namespace jevons
