#include "api/openai_responses_writer.h"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "api/openai_errors.h"
#include "api/openai_responses_items.h"
#include "api/report_json.h"
#include "base/check.h"
#include "text/json_value.h"

namespace jevons {
namespace {

using Kind = ResponsesItem::Kind;

/// Comments do not count as life for every client: some wait for an event, minutes at most. So
/// every so many signs of life in a row are an event that official clients know and skip.
constexpr int kPingsForAnEvent = 4;

class Writer final : public ResponseWriter {
 public:
  Writer(const GenerationRequest& request, const ResponseContext& context,
         std::shared_ptr<StoredResponses> stored)
      : context_(context),
        model_(request.model.empty() ? context.model_id : request.model),
        is_stream_(request.stream),
        tells_progress_(request.return_progress),
        stored_(std::move(stored)),
        notes_(std::dynamic_pointer_cast<const ResponsesNotes>(request.notes)) {
    JEVONS_CHECK(notes_ != nullptr);
    style_ = ReasoningStyle{notes_->summarised, notes_->encoded};
  }

  std::string start(const Started&) override {
    create();
    lifecycle_event("response.in_progress", "in_progress");
    return take();
  }

  std::string progress(const Progress& progress) override {
    if (!tells_progress_ || !is_stream_) return {};
    create();
    const std::string eta =
        progress.eta_s ? fmt::format(R"(,"eta_seconds":{:.1f})", *progress.eta_s) : std::string();
    event("keepalive", fmt::format(R"("prompt_progress":{{"total":{},"cache":{},"processed":{},)"
                                   R"("time_ms":{:.0f}{}}})",
                                   progress.n_total, progress.n_cached, progress.n_done,
                                   progress.elapsed_ms, eta));
    return take();
  }

  std::string output(const ChoiceOutput& output) override {
    if (const auto* reasoning = std::get_if<ReasoningDelta>(&output.event)) {
      add_reasoning(reasoning->text);
    } else if (const auto* text = std::get_if<TextDelta>(&output.event)) {
      add_text(text->text, output.tokens);
    } else if (const auto* begin = std::get_if<ToolCallBegin>(&output.event)) {
      begin_call(*begin);
    } else if (const auto* arguments = std::get_if<ToolArgumentsDelta>(&output.event)) {
      add_arguments(arguments->json);
    } else if (const auto* end = std::get_if<ToolCallEnd>(&output.event)) {
      end_call(end->complete);
    }
    return take();
  }

  std::string end_choice(const ChoiceEnd& end) override {
    switch (end.reason) {
      case StopReason::kEndOfTurn:
      case StopReason::kStopString:
        break;
      case StopReason::kMaxTokens:
      case StopReason::kContextFull:
        incomplete_reason_ = "max_output_tokens";
        break;
      case StopReason::kDeadline:
      case StopReason::kCancelled:
        incomplete_reason_ = stop_reason_name(end.reason);
        break;
    }
    close_item(incomplete_reason_.empty() ? "completed" : "incomplete");
    return take();
  }

  std::string finish(const Finished& finished) override {
    create();
    close_item("completed");
    completed_at_ =
        context_.created + std::llround((finished.report.queue_ms + finished.report.prompt_ms +
                                         finished.report.generation_ms) /
                                        1000);
    usage_ = usage_json(finished);
    const bool is_complete = incomplete_reason_.empty();
    const char* const status = is_complete ? "completed" : "incomplete";
    std::string response = response_json(status);
    if (notes_->stored) {
      stored_->put(
          StoredResponse{response_id(), notes_->key_name, response,
                         stored_items_json(notes_->earlier_items, notes_->items, context_.id)});
    }
    if (!is_stream_) return response;
    event(is_complete ? "response.completed" : "response.incomplete",
          fmt::format(R"("response":{})", response));
    return take();
  }

  std::string fail(const ApiError& error) override {
    if (!is_stream_) return openai_error_body(error);
    create();
    error_ = fmt::format(R"({{"code":"{}","message":{}}})", failure_code(error.kind),
                         json_string(error.message));
    lifecycle_event("response.failed", "failed");
    return take();
  }

  std::string ping() override {
    if (!is_stream_) return " ";
    if (++n_pings_ < kPingsForAnEvent) return ": ping\n\n";
    if (is_created_) {
      event("keepalive", "");
    } else {
      create();
    }
    return take();
  }

 private:
  static const char* failure_code(ApiErrorKind kind) {
    switch (kind) {
      case ApiErrorKind::kContextOverflow:
        return "context_length_exceeded";
      case ApiErrorKind::kRateLimit:
        return "rate_limit_exceeded";
      case ApiErrorKind::kInvalidRequest:
      case ApiErrorKind::kUnsupported:
        return "invalid_prompt";
      default:
        return "server_error";
    }
  }

  [[nodiscard]] std::string response_id() const { return fmt::format("resp_{}", context_.id); }

  /// The bytes of the events since the last call.
  std::string take() { return std::exchange(out_, {}); }

  void event(std::string_view type, std::string_view members) {
    n_pings_ = 0;
    if (!is_stream_) return;
    out_ += fmt::format("event: {}\ndata: {{\"type\":\"{}\",\"sequence_number\":{}{}{}}}\n\n", type,
                        type, sequence_number_++, members.empty() ? "" : ",", members);
  }

  /// An event about the item being written.
  void item_event(std::string_view type, std::string_view members) {
    event(type, fmt::format(R"("item_id":"{}","output_index":{},{})", items_.back().id,
                            items_.size() - 1, members));
  }

  /// An event with the item as a whole.
  void whole_item_event(std::string_view type) {
    event(type, fmt::format(R"("output_index":{},"item":{})", items_.size() - 1,
                            item_json(items_.back(), style_)));
  }

  void lifecycle_event(std::string_view type, std::string_view status) {
    if (is_stream_) event(type, fmt::format(R"("response":{})", response_json(status)));
  }

  void create() {
    if (is_created_) return;
    is_created_ = true;
    lifecycle_event("response.created", "in_progress");
  }

  std::string response_json(std::string_view status) const {
    std::string output;
    for (const ResponsesItem& item : items_) {
      add_to_list(output, item_json(item, style_));
    }
    const std::string incomplete = incomplete_reason_.empty()
                                       ? std::string("null")
                                       : fmt::format(R"({{"reason":"{}"}})", incomplete_reason_);
    return fmt::format(
        R"({{"id":"{}","object":"response","created_at":{},"status":"{}","background":false,)"
        R"("completed_at":{},"error":{},"incomplete_details":{},"model":{},"output":[{}],)"
        R"("usage":{}{}}})",
        response_id(), context_.created, status,
        completed_at_ > 0 ? fmt::format("{}", completed_at_) : std::string("null"), error_,
        incomplete, json_string(model_), output, usage_, notes_->echo);
  }

  static std::string usage_json(const Finished& finished) {
    const Usage& usage = finished.usage;
    return fmt::format(R"({{"input_tokens":{},"input_tokens_details":{{"cached_tokens":{},)"
                       R"("cache_write_tokens":{}}},"output_tokens":{},"output_tokens_details":)"
                       R"({{"reasoning_tokens":{}}},"total_tokens":{},"jevons":{}}})",
                       usage.prompt_tokens, usage.cached_tokens, usage.written_tokens,
                       usage.answer_tokens, usage.reasoning_tokens,
                       usage.prompt_tokens + usage.answer_tokens, report_json(finished.report));
  }

  [[nodiscard]] bool is_open(Kind kind) const { return is_open_ && items_.back().kind == kind; }

  ResponsesItem& open_item(Kind kind, std::string_view prefix) {
    close_item("completed");
    ResponsesItem item;
    item.kind = kind;
    item.id = fmt::format("{}_{}{:02}", prefix, context_.id, items_.size());
    items_.push_back(std::move(item));
    is_open_ = true;
    return items_.back();
  }

  /// The name of the index of the one part of this item.
  [[nodiscard]] std::string_view part_index() const {
    return items_.back().kind == Kind::kReasoning && style_.summarised ? R"("summary_index":0)"
                                                                       : R"("content_index":0)";
  }

  [[nodiscard]] std::string_view part_name() const {
    return items_.back().kind == Kind::kReasoning && style_.summarised
               ? "response.reasoning_summary_part"
               : "response.content_part";
  }

  [[nodiscard]] std::string_view text_name() const {
    if (items_.back().kind == Kind::kMessage) return "response.output_text";
    return style_.summarised ? "response.reasoning_summary_text" : "response.reasoning_text";
  }

  void part_event(std::string_view what, std::string_view text) {
    item_event(
        fmt::format("{}.{}", part_name(), what),
        fmt::format(R"({},"part":{})", part_index(), part_json(items_.back(), text, style_)));
  }

  void add_reasoning(std::string_view text) {
    if (text.empty()) return;
    if (!is_open(Kind::kReasoning)) {
      open_item(Kind::kReasoning, "rs");
      whole_item_event("response.output_item.added");
      part_event("added", "");
    }
    items_.back().text += text;
    item_event(fmt::format("{}.delta", text_name()),
               fmt::format(R"({},"delta":{})", part_index(), json_string(text)));
  }

  void add_text(std::string_view text, std::span<const ChoiceOutput::Token> tokens) {
    if (text.empty()) return;
    if (!is_open(Kind::kMessage)) {
      open_item(Kind::kMessage, "msg");
      whole_item_event("response.output_item.added");
      part_event("added", "");
      tokens = tokens_of_text(tokens, text);
    }
    ResponsesItem& item = items_.back();
    item.text += text;
    std::string logprobs;
    for (const ChoiceOutput::Token& token : tokens) add_to_list(logprobs, logprob_json(token));
    if (!logprobs.empty()) add_to_list(item.logprobs, logprobs);
    item_event("response.output_text.delta",
               fmt::format(R"("content_index":0,"delta":{},"logprobs":[{}])", json_string(text),
                           logprobs));
  }

  void begin_call(const ToolCallBegin& begin) {
    const auto found = notes_->tools.find(begin.name);
    const bool is_custom = found != notes_->tools.end() && found->second.is_custom;
    ResponsesItem& item =
        is_custom ? open_item(Kind::kCustomCall, "ctc") : open_item(Kind::kFunctionCall, "fc");
    item.call_id = begin.id;
    item.name = begin.name;
    if (found != notes_->tools.end()) {
      item.name = found->second.name;
      item.name_space = found->second.name_space;
    }
    custom_input_ = CustomInputReader();
    whole_item_event("response.output_item.added");
  }

  void add_arguments(std::string_view json) {
    if (is_open(Kind::kFunctionCall)) {
      items_.back().text += json;
      call_delta("response.function_call_arguments.delta", json);
    } else if (is_open(Kind::kCustomCall)) {
      call_delta("response.custom_tool_call_input.delta", custom_input_.push(json));
    }
  }

  void call_delta(std::string_view type, std::string_view delta) {
    if (!delta.empty()) item_event(type, fmt::format(R"("delta":{})", json_string(delta)));
  }

  /// A call that the model did not finish gets no "done" events: clients run a call when they see
  /// one, and half a command must not be run. The response shows it, with status "incomplete".
  void end_call(bool complete) {
    if (!is_open_) return;
    ResponsesItem& item = items_.back();
    if (item.kind == Kind::kCustomCall) {
      call_delta("response.custom_tool_call_input.delta", custom_input_.finish());
      item.text = custom_input_.input();
    } else if (item.kind != Kind::kFunctionCall) {
      return;
    }
    is_open_ = false;
    item.status = complete ? "completed" : "incomplete";
    if (!complete) {
      if (incomplete_reason_.empty()) incomplete_reason_ = "max_output_tokens";
      return;
    }
    if (item.kind == Kind::kCustomCall) {
      item_event("response.custom_tool_call_input.done",
                 fmt::format(R"("input":{})", json_string(item.text)));
    } else {
      item_event("response.function_call_arguments.done",
                 fmt::format(R"("name":{},"arguments":{})", json_string(item.name),
                             json_string(item.text)));
    }
    whole_item_event("response.output_item.done");
  }

  void close_item(const char* status) {
    if (!is_open_) return;
    ResponsesItem& item = items_.back();
    if (item.kind == Kind::kFunctionCall || item.kind == Kind::kCustomCall) return end_call(false);
    is_open_ = false;
    item.status = status;
    const std::string logprobs = item.kind == Kind::kMessage
                                     ? fmt::format(R"(,"logprobs":[{}])", item.logprobs)
                                     : std::string();
    item_event(fmt::format("{}.done", text_name()),
               fmt::format(R"({},"text":{}{})", part_index(), json_string(item.text), logprobs));
    part_event("done", item.text);
    whole_item_event("response.output_item.done");
  }

  const ResponseContext context_;
  const std::string model_;
  const bool is_stream_, tells_progress_;
  const std::shared_ptr<StoredResponses> stored_;
  const std::shared_ptr<const ResponsesNotes> notes_;
  ReasoningStyle style_;

  std::string out_;
  int sequence_number_ = 0;
  int n_pings_ = 0;  // since the last event
  bool is_created_ = false;

  std::vector<ResponsesItem> items_;
  bool is_open_ = false;  // more may come to the last item
  CustomInputReader custom_input_;
  std::string incomplete_reason_;
  std::int64_t completed_at_ = 0;
  std::string usage_ = "null", error_ = "null";
};

}  // namespace

std::unique_ptr<ResponseWriter> make_responses_writer(const GenerationRequest& request,
                                                      const ResponseContext& context,
                                                      std::shared_ptr<StoredResponses> stored) {
  return std::make_unique<Writer>(request, context, std::move(stored));
}

}  // namespace jevons
