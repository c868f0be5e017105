#include "api/openai_response.h"

#include <fmt/format.h>

#include "api/report_json.h"
#include "base/check.h"
#include "text/json_value.h"

namespace jevons {

std::string_view openai_finish_reason(const ChoiceEnd& end, bool call_was_cut) {
  if (call_was_cut) return "length";
  switch (end.reason) {
    case StopReason::kMaxTokens:
    case StopReason::kContextFull:
    case StopReason::kDeadline:
      return "length";
    case StopReason::kEndOfTurn:
    case StopReason::kStopString:
    case StopReason::kCancelled:
      break;
  }
  return end.has_tool_calls ? "tool_calls" : "stop";
}

std::string openai_usage_json(const Finished& finished) {
  const Usage& usage = finished.usage;
  return fmt::format(
      R"({{"prompt_tokens":{},"completion_tokens":{},"total_tokens":{},)"
      R"("prompt_tokens_details":{{"cached_tokens":{},"cache_write_tokens":{},"audio_tokens":0}},)"
      R"("completion_tokens_details":{{"reasoning_tokens":{},"audio_tokens":0,)"
      R"("accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"jevons":{}}})",
      usage.prompt_tokens, usage.answer_tokens, usage.prompt_tokens + usage.answer_tokens,
      usage.cached_tokens, usage.written_tokens, usage.reasoning_tokens,
      report_json(finished.report));
}

std::string openai_response_head(std::string_view id_prefix, std::string_view object,
                                 const GenerationRequest& request, const ResponseContext& context) {
  const std::string& model = request.model.empty() ? context.model_id : request.model;
  return fmt::format(R"({{"id":{},"object":"{}","created":{},"model":{},"system_fingerprint":{})",
                     json_string(fmt::format("{}{}", id_prefix, context.id)), object,
                     context.created, json_string(model), json_string("fp_" + context.model_id));
}

std::string openai_progress_json(std::string_view head, const Progress& progress) {
  std::string json =
      fmt::format(R"({},"choices":[],"prompt_progress":{{"total":{},"cache":{},"processed":{},)"
                  R"("time_ms":{:.0f})",
                  head, progress.n_total, progress.n_cached, progress.n_done, progress.elapsed_ms);
  if (progress.eta_s) json += fmt::format(R"(,"eta_seconds":{:.1f})", *progress.eta_s);
  return json + "}}";
}

std::string openai_event(std::string_view json) { return fmt::format("data: {}\n\n", json); }

const OpenAiWishes& openai_wishes(const GenerationRequest& request) {
  const auto* const notes = dynamic_cast<const OpenAiNotes*>(request.notes.get());
  JEVONS_CHECK(notes != nullptr);
  return notes->wishes;
}

std::string logprob_json(float logprob) {
  constexpr float kLeast = -9999;
  return fmt::format("{}", logprob > kLeast ? logprob : kLeast);
}

}  // namespace jevons
