// POST /v1/chat/completions.
#include <memory>
#include <span>
#include <string>

#include "api/dialect.h"
#include "api/openai_chat_request.h"
#include "api/openai_chat_writer.h"
#include "api/openai_errors.h"

namespace jevons {
namespace {

class OpenAiChat final : public Dialect {
 public:
  std::expected<GenerationRequest, ApiError> parse(const RequestContext& request) override {
    return parse_openai_chat(request.body);
  }

  std::unique_ptr<ResponseWriter> writer(const GenerationRequest& request,
                                         const ResponseContext& context) override {
    return request.stream ? openai_chat_stream(request, context)
                          : openai_chat_body(request, context);
  }

  std::string error_body(const ApiError& error) const override { return openai_error_body(error); }
  std::span<const FieldRule> fields() const override { return openai_chat_fields(); }
};

}  // namespace

std::unique_ptr<Dialect> make_openai_chat() { return std::make_unique<OpenAiChat>(); }

}  // namespace jevons
