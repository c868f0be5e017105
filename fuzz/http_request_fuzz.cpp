// Any bytes as what a client sends: the parser of requests, the guard, the routes and the dialects,
// without sockets. Nothing that a client sends is our mistake: each request is either understood or
// refused with a 4xx (501: a transfer coding) and its dialect's error object. The first byte says
// how the rest is cut.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http_message.h"
#include "api/request_guard.h"
#include "api/request_headers.h"
#include "api/routes.h"
#include "api/stored_responses.h"
#include "base/check.h"
#include "base/utf8.h"
#include "text/json_value.h"

namespace {

using jevons::HttpRequestParser;

bool is_refusal(int status) { return status >= 400 && status < 500; }
constexpr int kUnknownCoding = 501;

void check_error(const jevons::Dialect& dialect, const jevons::ApiError& error) {
  JEVONS_CHECK(is_refusal(jevons::http_status(error.kind)));
  JEVONS_CHECK(!error.message.empty());
  const std::string body = dialect.error_body(error);
  JEVONS_CHECK(jevons::utf8_is_valid(body));
  const auto json = jevons::parse_json(body);
  JEVONS_CHECK(json && json->find("error") != nullptr);
}

void check_writer(jevons::ResponseWriter& writer) {
  std::string bytes = writer.ping();
  bytes += writer.start({.n_prompt_tokens = 3, .n_cached_tokens = 1});
  bytes += writer.output({0, jevons::ReasoningDelta{"r"}, {}});
  bytes += writer.output({0, jevons::TextDelta{"text"}, {}});
  bytes += writer.end_choice({.choice = 0});
  bytes += writer.finish({});
  JEVONS_CHECK(!bytes.empty());
  JEVONS_CHECK(jevons::utf8_is_valid(bytes));
}

void check_request(const jevons::HttpRequest& request) {
  static const jevons::Dialects dialects(*jevons::StoredResponses::open({}));
  static const jevons::RequestGuard guard({"http://app.example"}, {"box.example"});
  if (const auto problem = guard.problem(request)) JEVONS_CHECK(jevons::utf8_is_valid(*problem));
  (void)guard.preflight(request, "GET");
  (void)jevons::presented_key(request);
  JEVONS_CHECK(!jevons::request_id_of(request).empty());
  const auto caller = jevons::caller_of(request, "peer", nullptr);
  const jevons::Route* route = jevons::find_route(request.method, request.path);
  if (!caller) check_error(dialects.of(jevons::dialect_of_path(request.path)), caller.error());
  if (route == nullptr) return;
  if (route->action != jevons::RouteAction::kGenerate &&
      route->action != jevons::RouteAction::kCountTokens) {
    return;
  }
  jevons::Dialect& dialect = dialects.of(route->dialect);
  const auto parsed = dialect.parse({request.body, request.target, "key"});
  if (!parsed) return check_error(dialect, parsed.error());
  if (parsed->n != 1) return;
  check_writer(*dialect.writer(*parsed, {"id", 1, "model", "key"}));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 128 + 1U;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string inbox;
  while (!rest.empty() || !inbox.empty()) {
    HttpRequestParser parser({.header_bytes = 4096, .body_bytes = 65536});
    using State = HttpRequestParser::State;
    while (parser.state() == State::kHead || parser.state() == State::kBody) {
      const std::size_t n = parser.feed(inbox);
      JEVONS_CHECK(n <= inbox.size());
      inbox.erase(0, n);
      if (n > 0) continue;
      if (rest.empty()) return 0;
      const std::size_t n_new = std::min(piece, rest.size());
      inbox += rest.substr(0, n_new);
      rest.remove_prefix(n_new);
    }
    if (parser.state() == State::kFailed) {
      const int status = parser.failure().status;
      JEVONS_CHECK(is_refusal(status) || status == kUnknownCoding);
      JEVONS_CHECK(!parser.failure().message.empty());
      return 0;
    }
    check_request(parser.take());
  }
  return 0;
}
