#include "api/token_count.h"

#include <fmt/format.h>

#include <expected>
#include <optional>
#include <stop_token>
#include <utility>

#include "api/error_response.h"
#include "api/handover.h"

namespace jevons {
namespace {

// What the preparation thread has of a request.
struct Counting {
  std::shared_ptr<const Engine> engine;
  GenerationRequest request;
  Caller caller;
  GenerationOptions options;
  std::function<void()> wake;
  Handover<std::expected<int, ApiError>> result{};

  void run() {
    if (options.stop.stop_requested()) return;
    result.put(count_prompt_tokens(*engine, request, caller, options));
    wake();
  }
};

class TokenCount final : public ResponseStream {
 public:
  TokenCount(TokenCountCall call, GenerationOptions options)
      : dialect_(call.dialect), record_(std::move(call.record)), names_object_(call.names_object) {
    options.stop = stop_.get_token();
    counting_ = std::make_shared<Counting>(std::move(call.engine), std::move(call.request),
                                           std::move(call.caller), std::move(options),
                                           std::move(call.wake));
  }
  ~TokenCount() override { stop_.request_stop(); }
  TokenCount(const TokenCount&) = delete;
  TokenCount& operator=(const TokenCount&) = delete;

  [[nodiscard]] std::function<void()> preparation() override {
    return [counting = counting_] { counting->run(); };
  }
  [[nodiscard]] bool is_prepared() const override { return is_over(); }
  [[nodiscard]] bool needs_client() const override { return false; }
  [[nodiscard]] bool is_streamed() const override { return false; }
  [[nodiscard]] HttpResponse head() const override { return {}; }
  [[nodiscard]] bool is_over() const override { return count_.has_value(); }
  [[nodiscard]] std::string ping() override { return " "; }

  [[nodiscard]] std::string take() override {
    if (count_) return "";
    if (stop_.stop_requested()) {
      count_.emplace(std::unexpected(stopping_error()));
    } else {
      count_ = counting_->result.take();
    }
    if (!count_) return "";
    if (*count_) {
      return fmt::format("{{{}\"input_tokens\":{}}}\n",
                         names_object_ ? R"("object":"response.input_tokens",)" : "", **count_);
    }
    count_->error().request_id = record_->request_id;
    record_->error = count_->error().message;
    return dialect_->error_body(count_->error());
  }

  [[nodiscard]] HttpResponse whole(std::string body) override {
    if (!*count_) return error_response(*dialect_, count_->error());
    HttpResponse response;
    response.body = std::move(body);
    return response;
  }

  void abandon() override { stop_.request_stop(); }

 private:
  const Dialect* dialect_;
  std::shared_ptr<RequestRecord> record_;
  bool names_object_;
  std::stop_source stop_;
  std::shared_ptr<Counting> counting_;
  std::optional<std::expected<int, ApiError>> count_;
};

}  // namespace

std::unique_ptr<ResponseStream> start_token_count(TokenCountCall call,
                                                  const GenerationOptions& options) {
  return std::make_unique<TokenCount>(std::move(call), options);
}

}  // namespace jevons
