#include "api/http_message.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <iterator>

#include "base/check.h"

namespace jevons {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;

// A chunk's own line or a trailer can be this long; the parser itself sets no bound.
constexpr std::size_t kLongestChunkLine = 16384;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

HttpRequestParser::Failure failure_of(const error_code& error, const HttpLimits& limits) {
  if (error == http::error::header_limit) {
    return {431,
            fmt::format("the head of the request is longer than {} bytes", limits.header_bytes)};
  }
  if (error == http::error::body_limit) {
    return {413, fmt::format("the body of the request is longer than {} bytes", limits.body_bytes)};
  }
  if (error == http::error::bad_version) {
    return {400, "the request is not HTTP/1.0 or HTTP/1.1"};
  }
  return {400, fmt::format("the request is not valid HTTP: {}", error.message())};
}

std::ptrdiff_t count_headers(const HttpRequest& request, std::string_view name) {
  return std::count_if(request.headers.begin(), request.headers.end(),
                       [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

// Clients of proxies send a whole URL (RFC 9112, 3.2.2): leaves path and query of it in `target`
// and returns the host with its port.
std::optional<std::string> take_authority(std::string& target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equals_ignoring_case(std::string_view(target).substr(0, scheme.size()), scheme)) continue;
    const std::size_t end = std::min(target.find_first_of("/?", scheme.size()), target.size());
    std::string authority = target.substr(scheme.size(), end - scheme.size());
    target.erase(0, end);
    if (!target.starts_with('/')) target.insert(0, 1, '/');
    return authority;
  }
  return std::nullopt;
}

// The URL's host counts, whatever the header says.
void set_host(HttpRequest& request, const std::string& host) {
  std::erase_if(request.headers,
                [](const auto& field) { return equals_ignoring_case(field.first, "host"); });
  request.headers.emplace_back("Host", host);
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* HttpRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equals_ignoring_case(key, name)) return &value;
  }
  return nullptr;
}

struct HttpRequestParser::Machine {
  explicit Machine(const HttpLimits& given) : limits(given) {
    parser.header_limit(limits.header_bytes);
    parser.body_limit(limits.body_bytes);
    parser.eager(false);
  }

  void fail(Failure what) {
    failure = std::move(what);
    state = State::kFailed;
  }

  // Copies the head; also of a request that was refused after it, so that the refusal can be
  // written in the right dialect.
  void copy_head() {
    const auto& message = parser.get();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    request.minor_version = message.version() == 10 ? 0 : 1;
    request.headers.clear();
    for (const auto& field : message.base()) {
      request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    }
    n_hosts = count_headers(request, "host");
    authority = take_authority(request.target);
    if (authority) set_host(request, *authority);
    const std::size_t mark = std::min(request.target.find('?'), request.target.size());
    request.path = request.target.substr(0, mark);
    request.query = request.target.substr(std::min(mark + 1, request.target.size()));
    request.keep_alive = message.keep_alive();
    const std::string* expect = request.header("expect");
    request.expects_continue = expect != nullptr && equals_ignoring_case(*expect, "100-continue");
  }

  void check_head() {
    copy_head();
    if (n_hosts > 1 || (n_hosts == 0 && request.minor_version == 1)) {
      return fail({400, "a request must have one Host header"});
    }
    if (authority && (authority->empty() || authority->find('@') != std::string::npos)) {
      return fail({400, "the URL of the request must name a host, and no user"});
    }
    // Which of two was meant could be guessed, and a browser's word is not to be guessed at.
    if (count_headers(request, "origin") > 1) {
      return fail({400, "a request must have one Origin header at most"});
    }
    if (auto problem = coding_problem()) return fail(*std::move(problem));
    if (const std::string* expect = request.header("expect");
        expect != nullptr && !request.expects_continue) {
      return fail({417, "the only expectation known here is 100-continue"});
    }
    request.has_body = !parser.is_done();
    state = request.has_body ? State::kBody : State::kDone;
    parser.eager(true);
  }

  // Any other coding would leave the end of the body, or what it says, to guesses.
  [[nodiscard]] std::optional<Failure> coding_problem() const {
    const std::string* coding = request.header("transfer-encoding");
    if (coding == nullptr) return std::nullopt;
    const bool is_one = count_headers(request, "transfer-encoding") == 1;
    if (is_one && request.minor_version == 1 && equals_ignoring_case(*coding, "chunked")) {
      return std::nullopt;
    }
    // Where the end can be told, it is only that this server does not know the coding.
    const bool has_end = parser.chunked() && request.minor_version == 1;
    return Failure{has_end ? 501 : 400, "the only transfer coding known here is chunked"};
  }

  std::size_t feed(std::string_view bytes) {
    error_code error;
    const std::size_t n = parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
    if (error == http::error::need_more) {
      if (state == State::kBody && bytes.size() - n > kLongestChunkLine) {
        fail({400, fmt::format("a line of the chunked body is longer than {} bytes",
                               kLongestChunkLine)});
      }
      return n;
    }
    if (error) {
      if (state == State::kHead) copy_head();
      fail(failure_of(error, limits));
      return n;
    }
    if (state == State::kHead && parser.is_header_done()) {
      check_head();
    } else if (state == State::kBody && parser.is_done()) {
      state = State::kDone;
    }
    return n;
  }

  HttpLimits limits;
  http::request_parser<http::string_body> parser;
  State state = State::kHead;
  HttpRequest request;
  Failure failure{400, ""};
  std::ptrdiff_t n_hosts = 0;            // as they were sent
  std::optional<std::string> authority;  // of the target, if it was a URL
};

HttpRequestParser::HttpRequestParser(const HttpLimits& limits)
    : machine_(std::make_unique<Machine>(limits)) {}
HttpRequestParser::~HttpRequestParser() = default;

HttpRequestParser::State HttpRequestParser::state() const { return machine_->state; }

std::size_t HttpRequestParser::feed(std::string_view bytes) {
  std::size_t n_taken = 0;
  while (n_taken < bytes.size() && (state() == State::kHead || state() == State::kBody)) {
    const State before = state();
    const std::size_t n = machine_->feed(bytes.substr(n_taken));
    n_taken += n;
    if (state() != before && before == State::kHead) break;  // the caller looks at the head first
    if (n == 0) break;
  }
  return n_taken;
}

const HttpRequest& HttpRequestParser::request() const { return machine_->request; }

HttpRequest HttpRequestParser::take() {
  JEVONS_CHECK(state() == State::kDone);
  machine_->request.body = std::move(machine_->parser.get().body());
  return std::move(machine_->request);
}

const HttpRequestParser::Failure& HttpRequestParser::failure() const { return machine_->failure; }

std::string_view http_reason(int status) {
  return http::obsolete_reason(static_cast<http::status>(status));
}

std::string http_head(const HttpResponse& response, HttpFraming framing, bool keep_alive) {
  std::string head;
  head.reserve(512);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", response.status,
                 http_reason(response.status));
  const auto add = [&](std::string_view name, std::string_view value) {
    head += name;
    head += ": ";
    std::copy_if(value.begin(), value.end(), std::back_inserter(head), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return byte >= 0x20 && byte != 0x7f;
    });
    head += "\r\n";
  };
  if (framing != HttpFraming::kNone) add("content-type", response.content_type);
  if (framing == HttpFraming::kLength) add("content-length", std::to_string(response.body.size()));
  if (framing == HttpFraming::kChunked) add("transfer-encoding", "chunked");
  for (const auto& [name, value] : response.headers) add(name, value);
  add("connection", keep_alive && framing != HttpFraming::kUntilClose ? "keep-alive" : "close");
  head += "\r\n";
  return head;
}

std::string http_chunk(std::string_view bytes) {
  if (bytes.empty()) return "";  // an empty chunk would end the body
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

}  // namespace jevons
