#include "engine/sequence.h"

#include <algorithm>
#include <utility>

namespace jevons {
namespace {

// Members are initialised in the order of their declaration: the prompt is copied before the answer
// takes the request.
std::vector<std::int32_t> with_room(const CompletionRequest& request) {
  std::vector<std::int32_t> tokens;
  constexpr std::size_t kUsualAnswer = 1024;
  tokens.reserve(request.prompt.size() + kUsualAnswer);
  tokens = request.prompt;
  return tokens;
}

}  // namespace

Sequence::Sequence(CompletionId request_id, CompletionRequest&& request, CompletionSink&& its_sink,
                   AnswerRules& rules, const KvLayout& layout)
    : id(request_id),
      priority(request.priority),
      client(std::move(request.client)),
      scope{std::move(request.cache_scope), request.n_shared_prefix},
      deadline(request.deadline),
      n_prompt(static_cast<int>(request.prompt.size())),
      max_tokens(request.max_tokens),
      submitted(EngineClock::now()),
      sink(std::move(its_sink)),
      tokens(with_room(request)),
      kv(layout),
      answer(std::move(request), rules) {
  cache.n_prompt_tokens = n_prompt;
}

int Sequence::n_planned_tokens(int reserve, int context_length) const {
  int n = std::min(n_tokens() + reserve, context_length);
  if (max_tokens > 0) n = std::min(n, n_prompt + max_tokens);
  return std::max(n, n_tokens());
}

void Sequence::report_progress() {
  const int n_done = std::min(n_computed, n_prompt);
  if (n_done <= n_reported) return;
  n_reported = n_done;
  if (sink.on_prompt_progress) sink.on_prompt_progress(n_done, n_prompt);
}

CompletionResult Sequence::result(StopReason reason, EngineClock::time_point now) const {
  CompletionResult result{};
  result.id = id;
  result.stop_reason = reason;
  if (answer.matched_stop()) {
    result.stop_reason = StopReason::kStopString;
    result.stop_string = *answer.matched_stop();
  }
  result.seed = answer.seed();
  result.cache = cache;
  result.n_prompt_tokens = n_prompt;
  result.n_cached_tokens = cache.n_cached_tokens;
  result.n_generated_tokens = answer.n_generated();
  result.n_reasoning_tokens = answer.n_reasoning();
  result.reasoning_was_cut = answer.reasoning_was_cut();
  result.ids = answer.ids();
  const auto left_queue = has_begun ? admitted : now;
  result.queue_ms = milliseconds_between(submitted, left_queue);
  const auto prompt_end = has_answered ? answer_started : now;
  if (has_begun) result.prompt_ms = milliseconds_between(admitted, prompt_end);
  if (has_answered) result.generation_ms = milliseconds_between(answer_started, now);
  result.work = work;
  return result;
}

}  // namespace jevons
