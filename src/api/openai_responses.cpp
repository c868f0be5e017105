// POST /v1/responses.
#include <memory>
#include <utility>

#include "api/dialect.h"
#include "api/openai_errors.h"
#include "api/openai_responses_fields.h"
#include "api/openai_responses_request.h"
#include "api/openai_responses_writer.h"
#include "api/stored_responses.h"
#include "base/check.h"

namespace jevons {
namespace {

class OpenaiResponses final : public Dialect {
 public:
  explicit OpenaiResponses(std::shared_ptr<StoredResponses> stored) : stored_(std::move(stored)) {}

  std::expected<GenerationRequest, ApiError> parse(const RequestContext& request) override {
    return parse_responses_request(request.body, request.key_name, *stored_);
  }

  std::unique_ptr<ResponseWriter> writer(const GenerationRequest& request,
                                         const ResponseContext& context) override {
    return make_responses_writer(request, context, stored_);
  }

  [[nodiscard]] std::string error_body(const ApiError& error) const override {
    return openai_error_body(error);
  }

  [[nodiscard]] std::span<const FieldRule> fields() const override { return responses_fields(); }

 private:
  std::shared_ptr<StoredResponses> stored_;
};

}  // namespace

std::unique_ptr<Dialect> make_openai_responses(std::shared_ptr<StoredResponses> stored) {
  return std::make_unique<OpenaiResponses>(std::move(stored));
}

std::unique_ptr<Dialect> make_openai_responses(const std::string& folder) {
  StoredResponses::Options options;
  options.folder = folder;
  auto stored = StoredResponses::open(options);
  if (!stored) {
    // Whoever must know opens the store himself; here, answers matter more than keeping them.
    options.folder.clear();
    stored = StoredResponses::open(options);
  }
  JEVONS_CHECK(stored);
  return make_openai_responses(*std::move(stored));
}

}  // namespace jevons
