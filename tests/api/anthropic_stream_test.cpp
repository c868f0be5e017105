// Whole streams, byte for byte.
#include <gtest/gtest.h>

#include "api/dialect.h"
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

constexpr std::string_view kStart =
    "event: message_start\n"
    R"(data: {"type":"message_start","message":{"id":"msg_0123456789abcdefghijklmn",)"
    R"("type":"message","role":"assistant","model":"m2.5","content":[],"stop_reason":null,)"
    R"("stop_sequence":null,"usage":{"input_tokens":36,"cache_creation_input_tokens":0,)"
    R"("cache_read_input_tokens":64,"cache_creation":{"ephemeral_5m_input_tokens":0,)"
    R"("ephemeral_1h_input_tokens":0},"output_tokens":0,"service_tier":"standard"}}})"
    "\n\n";

TEST(AnthropicStream, ThinkingTextAndACall) {
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
  bytes += writer->finish(finished);
  EXPECT_EQ(bytes, std::string(kStart) + R"(event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"see."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"amV2b25zLzEgMDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1u"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"\nLook: \"it\"\n"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"toolu_a","name":"Bash","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"command\": \"ls"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":" -l\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_b","name":"now","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: ping
data: {"type":"ping"}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":6,"cache_creation_input_tokens":30,"cache_read_input_tokens":64,"cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":0},"output_tokens":21,"output_tokens_details":{"thinking_tokens":4},"service_tier":"standard","jevons":{"cache":{"prompt_tokens":100,"cached_tokens":64,"disk_tokens":0,"broke_at":{"token":64,"where":"messages[0]","cached":"old","prompt":"new","lost_tokens":10,"lost_seconds":0.250}},"restored_reasonings":0,"queue_ms":0.0,"prompt_ms":12.3,"generation_ms":0.0,"warnings":["tools[1]: left out"]}}}

event: message_stop
data: {"type":"message_stop"}

)");
}

TEST(AnthropicStream, KeptThinkingIsAnEmptyBlock) {
  const auto writer = stream_writer(false);
  std::string bytes;
  bytes += writer->output({.choice = 0, .event = ReasoningDelta{"One"}});
  bytes += writer->output({.choice = 0, .event = ReasoningDelta{" two"}});
  bytes += writer->output({.choice = 0, .event = TextDelta{"Three"}});
  EXPECT_EQ(bytes, R"(event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"amV2b25zLzIgT25lIHR3bw=="}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Three"}}

)");
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
