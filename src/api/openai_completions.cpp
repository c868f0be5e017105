// POST /v1/completions.
#include <memory>
#include <span>
#include <string>

#include "api/dialect.h"
#include "api/openai_completions_request.h"
#include "api/openai_completions_writer.h"
#include "api/openai_errors.h"

namespace jevons {
namespace {

class OpenAiCompletions final : public Dialect {
 public:
  std::expected<GenerationRequest, ApiError> parse(const RequestContext& request) override {
    return parse_openai_completions(request.body);
  }

  std::unique_ptr<ResponseWriter> writer(const GenerationRequest& request,
                                         const ResponseContext& context) override {
    return request.stream ? openai_completions_stream(request, context)
                          : openai_completions_body(request, context);
  }

  std::string error_body(const ApiError& error) const override { return openai_error_body(error); }
  std::span<const FieldRule> fields() const override { return openai_completions_fields(); }
};

}  // namespace

std::unique_ptr<Dialect> make_openai_completions() { return std::make_unique<OpenAiCompletions>(); }

}  // namespace jevons
