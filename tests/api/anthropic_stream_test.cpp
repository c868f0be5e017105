// Whole streams, byte for byte.
#include <gtest/gtest.h>

#include "api/dialect.h"
#include "tests/api/golden_file.h"
#include "tests/api/random_answer.h"

namespace jevons {
namespace {

std::unique_ptr<ResponseWriter> stream_writer(bool shown = true, bool progress = false) {
  GenerationRequest request;
  request.model = "m2.5";
  request.stream = true;
  request.thinking.shown = shown;
  request.return_progress = progress;
  return make_anthropic_messages()->writer(request, {.id = "0123456789abcdefghijklmn",
                                                     .created = 1700000000,
                                                     .model_id = "nano",
                                                     .key_name = {}});
}

std::string expected(const std::string& name) {
  return read_file(std::filesystem::path(JEVONS_SOURCE_DIR) / "tests/data/api/anthropic" / name);
}

Finished finished_with_a_break() {
  Finished finished;
  finished.usage = {.prompt_tokens = 100,
                    .cached_tokens = 64,
                    .written_tokens = 30,
                    .answer_tokens = 21,
                    .reasoning_tokens = 4};
  finished.report.cache.n_prompt_tokens = 100;
  finished.report.cache.n_cached_tokens = 64;
  finished.report.cache.broke_at =
      CacheReport::Break{.token_index = 64, .cached = {}, .prompt = {}, .n_lost_tokens = 10};
  finished.report.cache.lost_seconds = 0.25;
  finished.report.broke_where = "messages[0]";
  finished.report.cached_excerpt = "old";
  finished.report.prompt_excerpt = "new";
  finished.report.prompt_ms = 12.34;
  finished.report.warnings = {"tools[1]: left out"};
  return finished;
}

TEST(AnthropicStream, ThinkingTextAndCalls) {
  const auto writer = stream_writer();
  std::string bytes = writer->start({.n_prompt_tokens = 100, .n_cached_tokens = 64});
  const std::vector<OutputEvent> events = {ReasoningDelta{"Let me "},
                                           ReasoningDelta{"see."},
                                           TextDelta{"\n"},
                                           TextDelta{"Look: \"it\"\n"},
                                           ToolCallBegin{0, "toolu_a", "Bash"},
                                           ToolArgumentsDelta{0, R"({"command": "ls)"},
                                           ToolArgumentsDelta{0, R"( -l"})"},
                                           ToolCallEnd{0, true},
                                           TextDelta{"\n"},
                                           ToolCallBegin{1, "toolu_b", "now"},
                                           ToolArgumentsDelta{1, "{}"},
                                           ToolCallEnd{1, true}};
  for (const OutputEvent& event : events) bytes += writer->output({.choice = 0, .event = event});
  bytes += writer->ping();
  bytes += writer->end_choice({.choice = 0,
                               .reason = StopReason::kEndOfTurn,
                               .stop_string = {},
                               .has_tool_calls = true,
                               .usage = {}});
  bytes += writer->finish(finished_with_a_break());
  EXPECT_EQ(bytes, expected("calls.sse"));
}

TEST(AnthropicStream, KeptThinkingIsAnEmptyBlock) {
  const auto writer = stream_writer(false);
  std::string bytes;
  bytes += writer->output({.choice = 0, .event = ReasoningDelta{"One"}});
  bytes += writer->output({.choice = 0, .event = ReasoningDelta{" two"}});
  bytes += writer->output({.choice = 0, .event = TextDelta{"Three"}});
  EXPECT_EQ(bytes, expected("kept_thinking.sse"));
}

TEST(AnthropicStream, ErrorProgressAndSignsOfLife) {
  const Progress progress{
      .n_done = 512, .n_total = 2000, .n_cached = 64, .elapsed_ms = 1500, .eta_s = 4.5};
  EXPECT_EQ(stream_writer()->progress(progress), "");
  EXPECT_EQ(stream_writer(true, true)->progress(progress),
            "event: ping\n"
            R"(data: {"type":"ping","prompt_progress":{"total":2000,"cache":64,"processed":512,)"
            R"("time_ms":1500,"eta_s":4.5}})"
            "\n\n");
  EXPECT_EQ(stream_writer()->fail({.kind = ApiErrorKind::kInternal, .message = "logits are NaN"}),
            "event: error\n"
            R"(data: {"type":"error","error":{"type":"api_error","message":"logits are NaN"},)"
            R"("request_id":null})"
            "\n\n");
}

}  // namespace
}  // namespace jevons
