#include "openai_case.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

void expect_bytes(Dialect& dialect, GenerationRequest request, OpenAiCase& file) {
  const std::string events = file.section("events");
  if (events.empty()) return;
  for (const bool streamed : {true, false}) {
    request.stream = streamed;
    const auto writer = dialect.writer(request, openai_test_context());
    file.expect(streamed ? "stream" : "body", play_openai_events(*writer, events));
  }
}

void run_cases(Dialect& dialect, std::string_view folder, std::size_t n_least) {
  const auto cases = openai_cases(folder);
  EXPECT_GE(cases.size(), n_least);
  for (const auto& path : cases) {
    SCOPED_TRACE(path.filename().string());
    OpenAiCase file = OpenAiCase::read(path);
    const std::string body = file.section("request");
    const auto request = dialect.parse({.body = body, .target = "", .key_name = ""});
    if (!request) {
      file.expect("error", fmt::format("{} {}", http_status(request.error().kind),
                                       dialect.error_body(request.error())));
      EXPECT_EQ(file.section("parsed"), "");
      continue;
    }
    file.expect("parsed", describe_request(*request));
    EXPECT_EQ(file.section("error"), "");
    expect_bytes(dialect, *request, file);
  }
}

TEST(OpenAiCases, ChatCompletions) { run_cases(*make_openai_chat(), "openai_chat", 30); }

TEST(OpenAiCases, Completions) { run_cases(*make_openai_completions(), "openai_completions", 8); }

}  // namespace
}  // namespace jevons
