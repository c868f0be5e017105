// POST /v1/messages, and the request of POST /v1/messages/count_tokens.
#include "api/anthropic_fields.h"
#include "api/anthropic_request.h"
#include "api/anthropic_writer.h"
#include "api/dialect.h"

namespace jevons {
namespace {

bool is_count_tokens(std::string_view target) {
  return target.substr(0, target.find('?')).ends_with("/count_tokens");
}

class AnthropicMessages final : public Dialect {
 public:
  std::expected<GenerationRequest, ApiError> parse(const RequestContext& request) override {
    return read_anthropic_request(request.body, is_count_tokens(request.target));
  }

  std::unique_ptr<ResponseWriter> writer(const GenerationRequest& request,
                                         const ResponseContext& context) override {
    return make_anthropic_writer(request, context);
  }

  [[nodiscard]] std::string error_body(const ApiError& error) const override {
    return anthropic_error_json(error);
  }

  [[nodiscard]] std::span<const FieldRule> fields() const override { return anthropic_fields(); }
};

}  // namespace

std::unique_ptr<Dialect> make_anthropic_messages() { return std::make_unique<AnthropicMessages>(); }

}  // namespace jevons
