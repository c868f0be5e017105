// The error object of the OpenAI API, for all its endpoints. Pure functions, any thread.
#pragma once

#include <string>
#include <string_view>

#include "api/generation.h"
#include "base/result.h"

namespace jevons {

/// {"error":{"message":...,"type":...,"param":...,"code":...}}, in the words that clients look for.
[[nodiscard]] std::string openai_error_body(const ApiError& error);

/// An error of text/chat_json.h or text/prompt.h, whose message begins with the path of the field.
[[nodiscard]] ApiError request_error(const Error& error);

}  // namespace jevons
