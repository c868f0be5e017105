#include "api/anthropic_writer.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "api/anthropic_blocks.h"
#include "api/report_json.h"
#include "base/utf8.h"
#include "text/json_value.h"

namespace jevons {
namespace {

std::string_view error_type(ApiErrorKind kind) {
  switch (kind) {
    case ApiErrorKind::kInvalidRequest:
    case ApiErrorKind::kContextOverflow:
    case ApiErrorKind::kMethod:
    case ApiErrorKind::kUnsupported:
      return "invalid_request_error";
    case ApiErrorKind::kAuthentication:
      return "authentication_error";
    case ApiErrorKind::kPermission:
      return "permission_error";
    case ApiErrorKind::kNotFound:
      return "not_found_error";
    case ApiErrorKind::kTooLarge:
      return "request_too_large";
    case ApiErrorKind::kRateLimit:
      return "rate_limit_error";
    case ApiErrorKind::kOverloaded:
      return "overloaded_error";
    case ApiErrorKind::kDeadline:
      return "timeout_error";
    case ApiErrorKind::kInternal:
      return "api_error";
  }
  return "api_error";
}

/// Agents look for exactly these words and numbers, and compact their conversation.
std::string error_message(const ApiError& error) {
  if (error.kind == ApiErrorKind::kContextOverflow && error.n_prompt_tokens > 0) {
    return fmt::format("prompt is too long: {} tokens > {} maximum", error.n_prompt_tokens,
                       error.context_length);
  }
  return utf8_sanitize(error.message);
}

/// A call that the end of the answer cut off is told like a text that it cut off, so that nobody
/// runs it.
std::string_view stop_reason(const ChoiceEnd& end, bool call_was_cut) {
  switch (end.reason) {
    case StopReason::kStopString:
      return "stop_sequence";
    case StopReason::kMaxTokens:
    case StopReason::kDeadline:
      return "max_tokens";
    case StopReason::kContextFull:
      return "model_context_window_exceeded";
    case StopReason::kEndOfTurn:
    case StopReason::kCancelled:
      if (call_was_cut) return "max_tokens";
      return end.has_tool_calls ? "tool_use" : "end_turn";
  }
  return "end_turn";
}

/// input_tokens are those that the cache neither gave nor took.
std::string input_usage_json(const Usage& usage) {
  return fmt::format(
      R"("input_tokens":{},"cache_creation_input_tokens":{},"cache_read_input_tokens":{},)"
      R"("cache_creation":{{"ephemeral_5m_input_tokens":{},"ephemeral_1h_input_tokens":0}})",
      usage.prompt_tokens - usage.cached_tokens - usage.written_tokens, usage.written_tokens,
      usage.cached_tokens, usage.written_tokens);
}

/// What both ways of answering share: the blocks go to a `Sink`.
template <typename Sink>
class Answer {
 public:
  Answer(const GenerationRequest& request, const ResponseContext& context)
      : prompt_only_(request.prompt_only),
        id_(context.id),
        model_(request.model.empty() ? context.model_id : request.model),
        cutter_(blocks_, context.id, request.thinking.shown) {}

  void take(const ChoiceOutput& output) {
    if (!prompt_only_) cutter_.take(output.event);
  }
  void take(const ChoiceEnd& end) {
    cutter_.end();
    end_ = end;
  }
  [[nodiscard]] Sink& blocks() { return blocks_; }

  /// The members that every message begins with.
  [[nodiscard]] std::string head_json() const {
    return fmt::format(R"("id":{},"type":"message","role":"assistant","model":{})",
                       json_string("msg_" + id_), json_string(model_));
  }

  [[nodiscard]] std::string stop_json() const {
    const std::string_view reason =
        prompt_only_ ? "max_tokens" : stop_reason(end_, cutter_.call_was_cut());
    return fmt::format(R"("stop_reason":"{}","stop_sequence":{})", reason,
                       reason == "stop_sequence" ? json_string(end_.stop_string) : "null");
  }

  [[nodiscard]] std::string usage_json(const Finished& finished) const {
    const Usage& usage = finished.usage;
    return fmt::format(
        R"({{{},"output_tokens":{},"output_tokens_details":{{"thinking_tokens":{}}},)"
        R"("service_tier":"standard","jevons":{}}})",
        input_usage_json(usage), prompt_only_ ? 0 : usage.answer_tokens,
        prompt_only_ ? 0 : usage.reasoning_tokens, report_json(finished.report));
  }

 private:
  bool prompt_only_;
  std::string id_, model_;
  Sink blocks_;
  BlockCutter cutter_;
  ChoiceEnd end_;
};

class StreamWriter final : public ResponseWriter {
 public:
  StreamWriter(const GenerationRequest& request, const ResponseContext& context)
      : answer_(request, context), wants_progress_(request.return_progress) {}

  std::string start(const Started& started) override {
    // What the cache does not have yet, it is going to have: clients that add the first counts
    // to the last ones count nothing twice.
    const Usage usage{.prompt_tokens = started.n_prompt_tokens,
                      .cached_tokens = started.n_cached_tokens,
                      .written_tokens = started.n_prompt_tokens - started.n_cached_tokens};
    const std::string message =
        fmt::format(R"({{{},"content":[],"stop_reason":null,"stop_sequence":null,)"
                    R"("usage":{{{},"output_tokens":0,"service_tier":"standard"}}}})",
                    answer_.head_json(), input_usage_json(usage));
    return sse_event("message_start",
                     fmt::format(R"({{"type":"message_start","message":{}}})", message));
  }

  /// A ping with one member more: clients that do not ask for it skip it like any other.
  std::string progress(const Progress& progress) override {
    if (!wants_progress_) return {};
    std::string json =
        fmt::format(R"({{"total":{},"cache":{},"processed":{},"time_ms":{:.0f})", progress.n_total,
                    progress.n_cached, progress.n_done, progress.elapsed_ms);
    if (progress.eta_s) json += fmt::format(R"(,"eta_s":{:.1f})", *progress.eta_s);
    return sse_event("ping", fmt::format(R"({{"type":"ping","prompt_progress":{}}}}})", json));
  }

  std::string output(const ChoiceOutput& output) override {
    answer_.take(output);
    return answer_.blocks().take();
  }

  std::string end_choice(const ChoiceEnd& end) override {
    answer_.take(end);
    return answer_.blocks().take();
  }

  std::string finish(const Finished& finished) override {
    return sse_event("message_delta",
                     fmt::format(R"({{"type":"message_delta","delta":{{{}}},"usage":{}}})",
                                 answer_.stop_json(), answer_.usage_json(finished))) +
           sse_event("message_stop", R"({"type":"message_stop"})");
  }

  std::string fail(const ApiError& error) override {
    return sse_event("error", anthropic_error_json(error));
  }

  std::string ping() override { return sse_event("ping", R"({"type":"ping"})"); }

 private:
  Answer<StreamedBlocks> answer_;
  bool wants_progress_;
};

class BodyWriter final : public ResponseWriter {
 public:
  BodyWriter(const GenerationRequest& request, const ResponseContext& context)
      : answer_(request, context) {}

  std::string start(const Started& /*started*/) override { return {}; }
  std::string progress(const Progress& /*progress*/) override { return {}; }

  std::string output(const ChoiceOutput& output) override {
    answer_.take(output);
    return {};
  }

  std::string end_choice(const ChoiceEnd& end) override {
    answer_.take(end);
    return {};
  }

  std::string finish(const Finished& finished) override {
    return fmt::format(R"({{{},"content":{},{},"usage":{}}})", answer_.head_json(),
                       answer_.blocks().json(), answer_.stop_json(), answer_.usage_json(finished));
  }

  std::string fail(const ApiError& error) override { return anthropic_error_json(error); }

  std::string ping() override { return " "; }

 private:
  Answer<KeptBlocks> answer_;
};

}  // namespace

std::string anthropic_error_json(const ApiError& error) {
  // The SDK's tool loop asks for a thread, and sends all messages once it reads this code.
  const bool is_thread = error.kind == ApiErrorKind::kUnsupported && error.param == "thread";
  const std::string_view details =
      is_thread ? R"(,"details":{"error_code":"thread_unsupported_request","unsupported":[]})" : "";
  return fmt::format(R"({{"type":"error","error":{{"type":"{}","message":{}{}}},"request_id":{}}})",
                     error_type(error.kind), json_string(error_message(error)), details,
                     error.request_id.empty() ? "null" : json_string(error.request_id));
}

std::unique_ptr<ResponseWriter> make_anthropic_writer(const GenerationRequest& request,
                                                      const ResponseContext& context) {
  if (request.stream) return std::make_unique<StreamWriter>(request, context);
  return std::make_unique<BodyWriter>(request, context);
}

}  // namespace jevons
