#include "api/error_response.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace jevons {

HttpResponse error_response(const Dialect& dialect, const ApiError& error) {
  HttpResponse response;
  response.status = http_status(error.kind);
  if (error.retry_after_s) {
    const int seconds = std::max(1, static_cast<int>(std::ceil(*error.retry_after_s)));
    response.headers.emplace_back("retry-after", std::to_string(seconds));
  }
  response.body = dialect.error_body(error);
  return response;
}

}  // namespace jevons
