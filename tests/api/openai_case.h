// Cases of the OpenAI dialects: files of sections, "-- NAME" and then its text up to the next.
//
//   request   the body
//   parsed    what is understood of it, one fact a line; defaults are left out
//   error     the error object and its status, instead of parsed
//   events    what happens to it, one JSON list a line: see play_openai_events()
//   stream    the bytes of the response if it is streamed
//   body      and if it is not
//
// With JEVONS_WRITE_CASES in the environment, the tests write the sections that they would compare.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/dialect.h"

namespace jevons {

class OpenAiCase {
 public:
  [[nodiscard]] static OpenAiCase read(const std::filesystem::path& path);

  /// Without the line ends at its end; empty if there is no such section.
  [[nodiscard]] std::string section(std::string_view name) const;

  /// Compares, or writes the file anew if cases are to be written. `where` the section belongs.
  void expect(std::string_view name, const std::string& text);

 private:
  std::filesystem::path path_;
  std::vector<std::pair<std::string, std::string>> sections_;
};

/// Sorted by name.
[[nodiscard]] std::vector<std::filesystem::path> openai_cases(std::string_view folder);

[[nodiscard]] std::string describe_request(const GenerationRequest& request);

/// ["start", n_prompt, n_cached, prompt text], ["progress", done, total, cached, ms],
/// ["reasoning" or "text", choice, text, tokens], ["call", choice, index, id, name],
/// ["arguments", choice, index, json], ["call_end", choice, index, complete],
/// ["warning", choice, text], ["end", choice, reason, has calls],
/// ["finish", prompt, cached, written, answer, reasoning], ["fail", kind, message], ["ping"].
/// A token is [text, logprob] or [text, logprob, [[text, logprob], ...]].
[[nodiscard]] std::string play_openai_events(ResponseWriter& writer, std::string_view events);

/// Of every response in these tests.
[[nodiscard]] ResponseContext openai_test_context();

}  // namespace jevons
