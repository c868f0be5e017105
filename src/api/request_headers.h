// What a request's headers say besides HTTP itself. Pure functions; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "api/api_keys.h"
#include "api/caller.h"
#include "api/generation.h"
#include "api/http_message.h"

namespace jevons {

/// The key of "authorization: Bearer KEY" or "x-api-key: KEY"; empty if there is none.
[[nodiscard]] std::string_view presented_key(const HttpRequest& request);

/// The client's x-request-id if it is fit to be repeated, else a fresh one.
[[nodiscard]] std::string request_id_of(const HttpRequest& request);

/// `key` may be null. Errors: x-jevons-priority, x-jevons-deadline-seconds.
[[nodiscard]] std::expected<Caller, ApiError> caller_of(const HttpRequest& request,
                                                        const std::string& peer, const ApiKey* key);

/// 24 random letters and digits.
[[nodiscard]] std::string random_id();

}  // namespace jevons
