// Starts the work for one request: plans it, gives it to the engine, and returns the response that
// is on its way. Any thread.
#pragma once

#include <expected>
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

struct GenerationCall {
  std::shared_ptr<Engine> engine;
  Dialect* dialect;
  GenerationRequest request;
  Caller caller;
  ResponseContext context;
  std::shared_ptr<RequestRecord> record;
  std::function<void()> wake;
  bool keeps_text = false;  // of prompt and answer, in the record
};

/// Errors: everything that is refused before work begins, a full queue included.
[[nodiscard]] std::expected<std::unique_ptr<ResponseStream>, ApiError> start_generation(
    GenerationCall call, const GenerationOptions& options);

[[nodiscard]] ApiError api_error(const SubmitError& error);

}  // namespace jevons
