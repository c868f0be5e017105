// The body of POST /v1/responses as a GenerationRequest, with what its writer will need.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/generation.h"
#include "api/openai_responses_tools.h"
#include "api/request_fields.h"
#include "api/stored_responses.h"
#include "text/json_value.h"

namespace jevons {

struct ResponsesNotes final : DialectNotes {
  std::map<std::string, ResponsesTool, std::less<>> tools;  // by the name shown to the model
  std::string key_name;
  bool stored = true;
  bool summarised = false;  // reasoning is told as a summary: all of it
  bool encoded = false;     // and as encrypted_content
  bool with_logprobs = false;
  /// Of the response object, what repeats the request: members, each with a comma before it.
  std::string echo;
  std::vector<JsonValue> earlier_items;  // of the response that this one goes on from
  std::vector<JsonValue> items;          // of this request
};

[[nodiscard]] Parsed<GenerationRequest> parse_responses_request(std::string_view body,
                                                                std::string_view key_name,
                                                                StoredResponses& stored);

}  // namespace jevons
