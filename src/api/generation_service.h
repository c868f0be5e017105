// Starts the work for one request: it is planned on a preparation thread, given to the engine, and
// its response is on its way from the beginning. Any thread.
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
#include "meter/bookkeeper.h"

namespace jevons {

struct GenerationCall {
  std::shared_ptr<Engine> engine;
  Dialect* dialect;
  GenerationRequest request;
  Caller caller;
  ResponseContext context;
  std::shared_ptr<RequestRecord> record;
  std::function<void()> wake;
  bool keeps_text = false;              // of prompt and answer, in the record
  std::shared_ptr<Bookkeeper> books{};  // may be null
};

/// What is refused before work begins, a full queue included, has a status of its own unless the
/// head has already been sent.
[[nodiscard]] std::unique_ptr<ResponseStream> start_generation(GenerationCall call,
                                                               const GenerationOptions& options);

[[nodiscard]] ApiError api_error(const SubmitError& error);

}  // namespace jevons
