#include "api/generation_service.h"

#include <utility>
#include <vector>

#include "api/engine_mailbox.h"
#include "api/generation_stream.h"

namespace jevons {

ApiError api_error(const SubmitError& error) {
  ApiError made;
  made.message = error.message;
  switch (error.kind) {
    case SubmitError::Kind::kInvalid:
      made.kind = ApiErrorKind::kInvalidRequest;
      break;
    case SubmitError::Kind::kPromptTooLong:
      made.kind = ApiErrorKind::kContextOverflow;
      made.n_prompt_tokens = error.n_prompt_tokens;
      made.context_length = error.context_length;
      break;
    case SubmitError::Kind::kQueueFull:
      made.kind = ApiErrorKind::kRateLimit;
      made.retry_after_s = error.retry_after_s;
      break;
    case SubmitError::Kind::kStopping:
      made.kind = ApiErrorKind::kOverloaded;
      made.retry_after_s = 5;
      break;
  }
  return made;
}

std::expected<std::unique_ptr<ResponseStream>, ApiError> start_generation(
    GenerationCall call, const GenerationOptions& options) {
  std::unique_ptr<ResponseWriter> writer = call.dialect->writer(call.request, call.context);
  auto plan = plan_generation(*call.engine, std::move(call.request), call.caller, options);
  if (!plan) return std::unexpected(std::move(plan).error());
  for (const auto& prompt : plan->prompts) call.record->n_prompt_tokens += prompt.n_tokens;
  std::vector<CompletionRequest> completions = std::move(plan->completions);
  if (call.keeps_text) {
    call.record->prompt_text = call.engine->tokenizer().decode(completions.front().prompt);
  }
  const bool wants_progress = plan->wants_progress;
  const bool wants_logprobs = plan->wants_logprobs;

  const auto mailbox = std::make_shared<EngineMailbox>(std::move(call.wake));
  const auto engine = call.engine;
  auto stream = std::make_unique<GenerationStream>(GenerationStreamParts{
      std::move(call.engine), *std::move(plan), std::move(call.caller), call.dialect,
      std::move(writer), std::move(call.record), mailbox, call.keeps_text});
  int choice = 0;
  for (CompletionRequest& completion : completions) {
    const bool starts_in_reasoning = completion.starts_in_reasoning;
    const auto id = engine->submit(std::move(completion),
                                   mailbox->sink(choice++, wants_progress, wants_logprobs));
    // What was already accepted is cancelled with the stream.
    if (!id) return std::unexpected(api_error(id.error()));
    stream->add(*id, starts_in_reasoning);
  }
  return stream;
}

}  // namespace jevons
