#include "api/generation.h"

namespace jevons {

ApiError stopping_error() {
  return {.kind = ApiErrorKind::kOverloaded,
          .message = "the server is stopping; please ask again in a moment",
          .retry_after_s = 5};
}

int http_status(ApiErrorKind kind) {
  switch (kind) {
    case ApiErrorKind::kInvalidRequest:
    case ApiErrorKind::kContextOverflow:
    case ApiErrorKind::kUnsupported:
      return 400;
    case ApiErrorKind::kAuthentication:
      return 401;
    case ApiErrorKind::kPermission:
      return 403;
    case ApiErrorKind::kNotFound:
      return 404;
    case ApiErrorKind::kMethod:
      return 405;
    case ApiErrorKind::kTooLarge:
      return 413;
    case ApiErrorKind::kRateLimit:
      return 429;
    case ApiErrorKind::kOverloaded:
      return 503;
    case ApiErrorKind::kDeadline:
      return 504;
    case ApiErrorKind::kInternal:
      return 500;
  }
  return 500;
}

}  // namespace jevons
