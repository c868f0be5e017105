#include "engine/request_checks.h"

#include <fmt/format.h>

#include "engine/engine.h"
#include "engine/sequence.h"

namespace jevons {
namespace {

Result<void> check_ids(const char* what, const std::vector<std::int32_t>& ids, int vocab_size) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && ids[i] < vocab_size) continue;
    return fail("token {} at position {} of {} is outside the vocabulary of {}", ids[i], i, what,
                vocab_size);
  }
  return {};
}

Result<void> check_fields(const CompletionRequest& request, const RequestLimits& limits) {
  JEVONS_TRY(validate(request.sampling));
  if (request.prompt.empty()) return fail("the prompt is empty: there is nothing to answer");
  JEVONS_TRY(check_ids("the prompt", request.prompt, limits.vocab_size));
  JEVONS_TRY(check_ids("the stop tokens", request.stop_tokens, limits.vocab_size));
  JEVONS_TRY(check_ids("the script", request.script, limits.vocab_size));
  for (const auto& [id, bias] : request.sampling.logit_bias) {
    if (id < 0 || id >= limits.vocab_size) {
      return fail("logit_bias names token {}, which is outside the vocabulary of {}", id,
                  limits.vocab_size);
    }
  }
  if (request.max_tokens < 0)
    return fail("max_tokens is {}, and must be 0 or more", request.max_tokens);
  if (request.n_logprobs > limits.vocab_size) {
    return fail("{} alternatives were asked for, and the vocabulary has {} tokens",
                request.n_logprobs, limits.vocab_size);
  }
  if (request.n_shared_prefix < 0) {
    return fail("n_shared_prefix is {}, and must be 0 or more", request.n_shared_prefix);
  }
  const bool wants_end_of_reasoning =
      request.starts_in_reasoning && (request.reasoning_budget >= 0 || request.constraint);
  if (wants_end_of_reasoning && !limits.has_think_end) {
    return fail(
        "the answer begins inside reasoning, but this model's vocabulary has no </think> token, so "
        "neither a reasoning budget nor an output constraint can be held");
  }
  return {};
}

}  // namespace

std::expected<void, SubmitError> check_request(const CompletionRequest& request,
                                               const RequestLimits& limits) {
  using Kind = SubmitError::Kind;
  if (const auto ok = check_fields(request, limits); !ok) {
    return std::unexpected(SubmitError{Kind::kInvalid, ok.error().message});
  }
  const auto n = static_cast<int>(request.prompt.size());
  if (n >= limits.context_length || pages_for(n + 1) > limits.n_pages) {
    return std::unexpected(SubmitError{
        Kind::kPromptTooLong,
        fmt::format("the prompt is {} tokens long, and the context holds {} (one is needed for the "
                    "answer): shorten the prompt or give a larger context (-c)",
                    n, limits.context_length),
        n, limits.context_length});
  }
  return {};
}

}  // namespace jevons
