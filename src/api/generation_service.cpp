#include "api/generation_service.h"

#include <expected>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "api/engine_mailbox.h"
#include "api/error_response.h"
#include "api/generation_stream.h"
#include "api/handover.h"

namespace jevons {
namespace {

struct Planned {
  GenerationPlan plan;
  std::string prompt_text{};  // if it is kept
};

// What the preparation thread has of a request. It touches nothing else, since the response may be
// gone before it is done.
struct Planning {
  std::shared_ptr<const Engine> engine;
  GenerationRequest request;
  Caller caller;
  GenerationOptions options;
  bool keeps_text;
  std::function<void()> wake;
  Handover<std::expected<Planned, ApiError>> result{};

  void run() {
    if (options.stop.stop_requested()) return;
    auto plan = plan_generation(*engine, std::move(request), caller, options);
    if (!plan) {
      result.put(std::unexpected(std::move(plan).error()));
    } else {
      Planned planned{*std::move(plan)};
      if (keeps_text) {
        planned.prompt_text = engine->tokenizer().decode(planned.plan.completions.front().prompt);
      }
      result.put(std::move(planned));
    }
    wake();
  }
};

// Gives signs of life while the request is planned; then it is submitted, and a GenerationStream
// has the word.
class PlannedStream final : public ResponseStream {
 public:
  PlannedStream(GenerationCall call, GenerationOptions options)
      : engine_(std::move(call.engine)),
        dialect_(call.dialect),
        writer_(dialect_->writer(call.request, call.context)),
        caller_(call.caller),
        record_(std::move(call.record)),
        wake_(std::move(call.wake)),
        books_(std::move(call.books)),
        keeps_text_(call.keeps_text),
        wants_stream_(call.request.stream),
        thinking_(thinking_of(call.request)) {
    options.stop = stop_.get_token();
    planning_ = std::make_shared<Planning>(engine_, std::move(call.request), std::move(call.caller),
                                           std::move(options), keeps_text_, wake_);
  }
  ~PlannedStream() override {
    stop_.request_stop();
    if (!stream_ && !refusal_) record_->stop_reason = "left";
  }
  PlannedStream(const PlannedStream&) = delete;
  PlannedStream& operator=(const PlannedStream&) = delete;

  [[nodiscard]] std::function<void()> preparation() override {
    return [planning = planning_] { planning->run(); };
  }
  [[nodiscard]] bool is_prepared() const override { return stream_ || refusal_; }
  [[nodiscard]] bool is_streamed() const override { return wants_stream_ && !refusal_; }
  [[nodiscard]] HttpResponse head() const override {
    return stream_ ? stream_->head() : generation_head(wants_stream_, thinking_);
  }
  [[nodiscard]] bool is_over() const override { return stream_ ? stream_->is_over() : !!refusal_; }
  [[nodiscard]] std::string ping() override { return stream_ ? stream_->ping() : writer_->ping(); }

  [[nodiscard]] std::string take() override {
    if (stream_) return stream_->take();
    if (refusal_) return "";
    if (stop_.stop_requested()) return refuse(stopping_error());
    auto planned = planning_->result.take();
    if (!planned) return "";
    if (!*planned) return refuse(std::move(*planned).error());
    if (auto error = submit(**std::move(planned))) return refuse(*std::move(error));
    return stream_->take();
  }

  [[nodiscard]] HttpResponse whole(std::string body) override {
    return stream_ ? stream_->whole(std::move(body)) : error_response(*dialect_, *refusal_);
  }

  void abandon() override {
    stop_.request_stop();
    if (stream_) stream_->abandon();
  }

 private:
  std::string refuse(ApiError error) {
    error.request_id = record_->request_id;
    record_->error = error.message;
    refusal_ = std::move(error);
    return writer_->fail(*refusal_);
  }

  // On the I/O thread, where the response lives: so what has no client any more never comes here.
  std::optional<ApiError> submit(Planned planned) {
    for (const auto& prompt : planned.plan.prompts) record_->n_prompt_tokens += prompt.n_tokens;
    record_->prompt_text = std::move(planned.prompt_text);
    std::vector<CompletionRequest> completions = std::move(planned.plan.completions);
    const bool wants_progress = planned.plan.wants_progress;
    const bool wants_logprobs = planned.plan.wants_logprobs;
    const auto mailbox = std::make_shared<EngineMailbox>(wake_);
    std::vector<std::pair<CompletionId, bool>> accepted;
    record_->is_background = completions.front().priority == Priority::kBackground;
    if (books_) books_->wake();
    for (CompletionRequest& completion : completions) {
      const bool starts_in_reasoning = completion.starts_in_reasoning;
      const auto choice = static_cast<int>(accepted.size());
      const auto id = engine_->submit(std::move(completion),
                                      mailbox->sink(choice, wants_progress, wants_logprobs));
      if (!id) {
        mailbox->close();
        for (const auto& [other, ignored] : accepted) engine_->cancel(other);
        return api_error(id.error());
      }
      accepted.emplace_back(*id, starts_in_reasoning);
    }
    stream_ = std::make_unique<GenerationStream>(
        GenerationStreamParts{engine_, std::move(planned.plan), std::move(caller_), dialect_,
                              std::move(writer_), record_, mailbox, keeps_text_, books_});
    for (const auto& [id, starts_in_reasoning] : accepted) {
      record_->completions.push_back(id);
      stream_->add(id, starts_in_reasoning);
    }
    return std::nullopt;
  }

  std::shared_ptr<Engine> engine_;
  Dialect* dialect_;
  std::unique_ptr<ResponseWriter> writer_;  // until the stream has it
  Caller caller_;
  std::shared_ptr<RequestRecord> record_;
  std::function<void()> wake_;
  std::shared_ptr<Bookkeeper> books_;
  bool keeps_text_, wants_stream_;
  std::string thinking_;
  std::stop_source stop_;
  std::shared_ptr<Planning> planning_;
  std::unique_ptr<GenerationStream> stream_;
  std::optional<ApiError> refusal_;
};

}  // namespace

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

std::unique_ptr<ResponseStream> start_generation(GenerationCall call,
                                                 const GenerationOptions& options) {
  return std::make_unique<PlannedStream>(std::move(call), options);
}

}  // namespace jevons
