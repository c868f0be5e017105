// A wire format: bytes of a request to GenerationRequest, and what happens then to bytes of the
// response. One file per endpoint implements it; src/api/routes.cpp lists them.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/generation.h"

namespace jevons {

/// How a request field is treated. docs/API.md has one table per endpoint made of these, and a
/// test holds the two together.
enum class FieldUse : std::uint8_t { kHonoured, kIgnored, kRefused };
struct FieldRule {
  const char* path;  // "messages[].content[].cache_control"
  FieldUse use;
  const char* note;  // a short sentence, "" if the name says it
};

/// Writes one response, in the order of events in generation.h. Each call returns the bytes to
/// send now, perhaps none. A writer of a response that is not streamed returns everything at
/// finish(). One thread at a time.
class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  [[nodiscard]] virtual std::string start(const Started& started) = 0;
  [[nodiscard]] virtual std::string progress(const Progress& progress) = 0;
  [[nodiscard]] virtual std::string output(const ChoiceOutput& output) = 0;
  [[nodiscard]] virtual std::string end_choice(const ChoiceEnd& end) = 0;
  [[nodiscard]] virtual std::string finish(const Finished& finished) = 0;
  /// After the first byte of the response: the dialect's error event, and the end of the stream.
  [[nodiscard]] virtual std::string fail(const ApiError& error) = 0;
  /// A sign of life that clients skip: a comment, a ping event, or a space before a JSON body.
  [[nodiscard]] virtual std::string ping() = 0;
};

/// What a writer is made with.
struct ResponseContext {
  std::string id;            // 24 letters and digits, random; the dialect adds its prefix
  std::int64_t created = 0;  // seconds since 1970
  std::string model_id;      // ours
  std::string key_name;      // of the API key; "" without keys
};

/// Who asks, for what a request may refer to (stored responses).
struct RequestContext {
  std::string_view body;
  std::string_view target;  // path and query
  std::string key_name;
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual std::expected<GenerationRequest, ApiError> parse(
      const RequestContext& request) = 0;
  [[nodiscard]] virtual std::unique_ptr<ResponseWriter> writer(const GenerationRequest& request,
                                                               const ResponseContext& context) = 0;
  /// The dialect's error object, for an answer with http_status().
  [[nodiscard]] virtual std::string error_body(const ApiError& error) const = 0;
  [[nodiscard]] virtual std::span<const FieldRule> fields() const = 0;
};

// Thread-safe; created once by routes.cpp.
[[nodiscard]] std::unique_ptr<Dialect> make_openai_chat();
[[nodiscard]] std::unique_ptr<Dialect> make_openai_completions();
[[nodiscard]] std::unique_ptr<Dialect> make_anthropic_messages();
/// `folder`: where stored responses are kept over restarts; empty: in memory alone.
[[nodiscard]] std::unique_ptr<Dialect> make_openai_responses(const std::string& folder);

}  // namespace jevons
