#include "api/openai_errors.h"

#include <fmt/format.h>

#include "text/json_value.h"

namespace jevons {
namespace {

struct ErrorNames {
  std::string_view type, code;  // an empty code is null
};

ErrorNames names_of(const ApiError& error) {
  switch (error.kind) {
    case ApiErrorKind::kInvalidRequest:
      return {"invalid_request_error", ""};
    case ApiErrorKind::kContextOverflow:
      return {"invalid_request_error", "context_length_exceeded"};
    case ApiErrorKind::kAuthentication:
      return {"invalid_request_error", "invalid_api_key"};
    case ApiErrorKind::kPermission:
      return {"invalid_request_error", "permission_denied"};
    case ApiErrorKind::kNotFound:
      // Clients that see this code send the whole conversation instead.
      if (error.param == "previous_response_id") {
        return {"invalid_request_error", "previous_response_not_found"};
      }
      return {"invalid_request_error", "not_found"};
    case ApiErrorKind::kMethod:
      return {"invalid_request_error", "method_not_allowed"};
    case ApiErrorKind::kTooLarge:
      return {"invalid_request_error", "request_too_large"};
    case ApiErrorKind::kUnsupported:
      return {"invalid_request_error", "unsupported_parameter"};
    case ApiErrorKind::kRateLimit:
      return {"requests", "rate_limit_exceeded"};
    case ApiErrorKind::kOverloaded:
      return {"server_error", "overloaded"};
    case ApiErrorKind::kDeadline:
      return {"server_error", "deadline_exceeded"};
    case ApiErrorKind::kInternal:
      return {"server_error", "internal_error"};
  }
  return {"server_error", ""};
}

std::string message_of(const ApiError& error) {
  if (error.kind != ApiErrorKind::kContextOverflow || error.context_length == 0) {
    return error.message;
  }
  return fmt::format(
      "This model's maximum context length is {} tokens. However, your messages resulted in {} "
      "tokens. Please reduce the length of the messages.",
      error.context_length, error.n_prompt_tokens);
}

std::string string_or_null(std::string_view text) {
  return text.empty() ? "null" : json_string(text);
}

bool is_path(std::string_view text) {
  return !text.empty() && text.find_first_not_of(
                              "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "0123456789_.[]") == std::string_view::npos;
}

}  // namespace

std::string openai_error_body(const ApiError& error) {
  const ErrorNames names = names_of(error);
  return fmt::format(R"({{"error":{{"message":{},"type":"{}","param":{},"code":{}}}}})",
                     json_string(message_of(error)), names.type, string_or_null(error.param),
                     string_or_null(names.code));
}

ApiError request_error(const Error& error) {
  ApiError api_error;
  api_error.message = error.message;
  const std::string_view path =
      std::string_view(error.message).substr(0, error.message.find_first_of(": "));
  const bool names_a_field =
      path.size() < error.message.size() &&
      (error.message[path.size()] == ':' || path.find('[') != std::string_view::npos);
  if (names_a_field && is_path(path)) api_error.param = path;
  return api_error;
}

}  // namespace jevons
