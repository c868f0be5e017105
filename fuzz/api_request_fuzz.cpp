// Request bodies of every dialect. What is refused is the client's fault and gets an error object;
// what is accepted is answered with random events, and every byte of the response is what its
// format allows: JSON, or a stream of events with JSON in them.
//
// Input: byte 0 the dialect, byte 1 the seed of the answer, then the body.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "base/check.h"
#include "tests/api/random_answer.h"
#include "text/json_value.h"
#include "text/prompt.h"

namespace {

struct Target {
  std::unique_ptr<jevons::Dialect> dialect;
  std::string path;
};

Target& target_of(std::uint8_t byte) {
  static std::vector<Target>* const kTargets = [] {
    auto* const targets = new std::vector<Target>;
    targets->push_back({jevons::make_anthropic_messages(), "/v1/messages?beta=true"});
    targets->push_back({jevons::make_anthropic_messages(), "/v1/messages/count_tokens"});
    targets->push_back({jevons::make_openai_chat(), "/v1/chat/completions"});
    targets->push_back({jevons::make_openai_completions(), "/v1/completions"});
    targets->push_back({jevons::make_openai_responses(""), "/v1/responses"});
    return targets;
  }();
  return (*kTargets)[byte % kTargets->size()];
}

void check_json(std::string_view text) { JEVONS_CHECK(jevons::parse_json(text).has_value()); }

/// Events are lines that end with an empty one; a line is a comment or one of two fields.
void check_stream(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    JEVONS_CHECK(end != std::string_view::npos);
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    if (line.starts_with("data: ")) {
      if (line != "data: [DONE]") check_json(line.substr(6));
    } else {
      JEVONS_CHECK(line.empty() || line.starts_with("event: ") || line.starts_with(':'));
    }
    if (bytes.empty()) JEVONS_CHECK(line.empty());
  }
}

std::string answer(jevons::ResponseWriter& writer, jevons::AnswerMaker& maker, int n_choices) {
  const jevons::ApiError error{.kind = jevons::ApiErrorKind::kInternal,
                               .message = "it \"broke\"\n"};
  const jevons::RandomAnswer whole = maker.answer();
  std::string bytes = writer.ping();
  bytes += writer.start(whole.started);
  bytes += writer.progress({.n_done = 1, .n_total = 2, .elapsed_ms = 3, .eta_s = 4.5});
  for (int choice = 0; choice < n_choices; ++choice) {
    for (const jevons::OutputEvent& event : maker.cut(whole).events) {
      if (maker.below(20) == 0) bytes += writer.ping();
      if (maker.below(200) == 0) return bytes + writer.fail(error);
      bytes += writer.output({.choice = choice, .event = event});
    }
    jevons::ChoiceEnd end = whole.end;
    end.choice = choice;
    bytes += writer.end_choice(end);
  }
  return bytes + writer.finish(whole.finished);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Target& target = target_of(data[0]);
  const std::string body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto request =
      target.dialect->parse({.body = body, .target = target.path, .key_name = "key"});
  if (!request) {
    const int status = jevons::http_status(request.error().kind);
    JEVONS_CHECK(status >= 400 && status < 500);
    check_json(target.dialect->error_body(request.error()));
    return 0;
  }
  if (target.path.starts_with("/v1/messages")) {
    const auto& chat = std::get<jevons::ChatRequest>(request->input);
    JEVONS_CHECK(jevons::render_prompt(chat, jevons::PromptFormat{}).has_value());
  }
  jevons::AnswerMaker maker(data[1] + 1U);
  const auto writer = target.dialect->writer(*request, {.id = "abcdefghijklmnopqrstuvwx",
                                                        .created = 1700000000,
                                                        .model_id = "nano",
                                                        .key_name = "key"});
  const std::string bytes = answer(*writer, maker, std::min(request->n, 3));
  if (request->stream) {
    check_stream(bytes);
  } else {
    check_json(bytes);
  }
  return 0;
}
