// For the tests of the Responses dialect: requests and responses through the dialect itself, and
// the events of a stream as JSON.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/stored_responses.h"

namespace jevons {

using Json = nlohmann::ordered_json;

inline std::shared_ptr<StoredResponses> open_store(const std::string& folder = {}) {
  StoredResponses::Options options;
  options.folder = folder;
  auto stored = StoredResponses::open(options);
  EXPECT_TRUE(stored.has_value());
  return *stored;
}

inline std::expected<GenerationRequest, ApiError> parse_with(Dialect& dialect,
                                                             std::string_view body,
                                                             const std::string& key = {}) {
  RequestContext context;
  context.body = body;
  context.target = "/v1/responses";
  context.key_name = key;
  return dialect.parse(context);
}

inline ResponseContext response_context(const std::string& id) {
  ResponseContext context;
  context.id = id;
  context.created = 1790000000;
  context.model_id = "nano";
  return context;
}

/// The events of a stream in order. Comments are skipped; anything else that is not an event of
/// its own name is a failure.
inline std::vector<Json> stream_events(std::string_view stream) {
  std::vector<Json> events;
  while (!stream.empty()) {
    const std::size_t end = stream.find("\n\n");
    if (end == std::string_view::npos) {
      ADD_FAILURE() << "unfinished event: " << stream;
      break;
    }
    const std::string_view event = stream.substr(0, end);
    stream.remove_prefix(end + 2);
    if (event.starts_with(':')) continue;
    const std::size_t line_end = event.find('\n');
    EXPECT_TRUE(event.starts_with("event: "));
    EXPECT_TRUE(event.substr(line_end + 1).starts_with("data: ")) << event;
    events.push_back(Json::parse(event.substr(line_end + 7)));
    EXPECT_EQ(events.back()["type"], std::string(event.substr(7, line_end - 7)));
  }
  return events;
}

/// What happens to one answer, through a writer.
inline std::string write_answer(ResponseWriter& writer, const std::vector<OutputEvent>& events,
                                const ChoiceEnd& end, const Finished& finished = {}) {
  std::string out = writer.start(Started{});
  for (const OutputEvent& event : events) {
    ChoiceOutput output;
    output.event = event;
    out += writer.output(output);
  }
  out += writer.end_choice(end);
  return out + writer.finish(finished);
}

}  // namespace jevons
