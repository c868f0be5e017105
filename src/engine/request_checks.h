// What is wrong with a request, before any work is done for it. Pure; any thread.
#pragma once

#include <expected>

#include "base/result.h"
#include "engine/answer.h"
#include "engine/completion.h"

namespace jevons {

struct RequestLimits {
  int vocab_size;
  int context_length;
  int n_pages;  // of all memory for keys and values
  bool has_think_end;
};

/// Errors of kind kInvalid and kPromptTooLong, naming the field, its value and what it must be.
[[nodiscard]] std::expected<void, SubmitError> check_request(const CompletionRequest& request,
                                                             const RequestLimits& limits);

}  // namespace jevons
