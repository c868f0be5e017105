// The answer to "how many tokens is this prompt", which takes as long to count as the prompt to
// read. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/caller.h"
#include "api/dialect.h"
#include "api/generation_plan.h"
#include "api/http_handler.h"
#include "api/request_record.h"
#include "engine/engine.h"

namespace jevons {

struct TokenCountCall {
  std::shared_ptr<const Engine> engine;
  const Dialect* dialect;
  GenerationRequest request;
  Caller caller;
  std::shared_ptr<RequestRecord> record;
  std::function<void()> wake;
  bool names_object = false;  // as OpenAI's answer does
};

[[nodiscard]] std::unique_ptr<ResponseStream> start_token_count(TokenCountCall call,
                                                                const GenerationOptions& options);

}  // namespace jevons
