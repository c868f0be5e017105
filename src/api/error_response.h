// An error as a whole response in a dialect's shape. Any thread.
#pragma once

#include "api/dialect.h"
#include "api/http_message.h"

namespace jevons {

[[nodiscard]] HttpResponse error_response(const Dialect& dialect, const ApiError& error);

}  // namespace jevons
