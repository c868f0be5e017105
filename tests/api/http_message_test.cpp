#include "api/http_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using State = HttpRequestParser::State;

// What a request became, and what was left behind it.
struct Parsed {
  State state;
  std::optional<HttpRequest> request;
  HttpRequestParser::Failure failure{0, ""};
  std::string rest;
};

// Feeds `bytes` cut into pieces of `piece` bytes, as a connection would.
Parsed parse(std::string_view bytes, std::size_t piece = 1 << 30, HttpLimits limits = {}) {
  HttpRequestParser parser(limits);
  std::string inbox;
  while (parser.state() == State::kHead || parser.state() == State::kBody) {
    const std::size_t n = parser.feed(inbox);
    inbox.erase(0, n);
    if (n > 0) continue;
    if (bytes.empty()) break;
    inbox += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  Parsed parsed{parser.state(), std::nullopt, parser.failure(), inbox + std::string(bytes)};
  if (parser.state() == State::kDone) parsed.request = parser.take();
  return parsed;
}

int status_of(std::string_view bytes, HttpLimits limits = {}) {
  const Parsed parsed = parse(bytes, 1 << 30, limits);
  return parsed.state == State::kFailed ? parsed.failure.status : 0;
}

constexpr std::string_view kPost =
    "POST /v1/chat/completions?beta=true HTTP/1.1\r\nHost: localhost:8080\r\n"
    "X-Thing:  spaced value \r\nContent-Length: 11\r\n\r\nhello worldGET / HTTP/1.1\r\n";
constexpr std::string_view kChunked =
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\nrest";

TEST(HttpRequestParser, EveryWayOfCuttingGivesTheSame) {
  for (const std::string_view bytes : {kPost, kChunked}) {
    const Parsed whole = parse(bytes);
    ASSERT_TRUE(whole.request);
    EXPECT_EQ(whole.request->body, "hello world");
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
      const Parsed cut = parse(bytes, piece);
      ASSERT_TRUE(cut.request) << piece;
      EXPECT_EQ(cut.request->target, whole.request->target);
      EXPECT_EQ(cut.request->headers, whole.request->headers);
      EXPECT_EQ(cut.request->body, whole.request->body);
      EXPECT_EQ(cut.rest, whole.rest);
    }
  }
}

TEST(HttpRequestParser, ReadsTheHead) {
  const Parsed parsed = parse(kPost);
  ASSERT_TRUE(parsed.request);
  const HttpRequest& request = *parsed.request;
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/v1/chat/completions");
  EXPECT_EQ(request.query, "beta=true");
  ASSERT_NE(request.header("x-THING"), nullptr);
  EXPECT_EQ(*request.header("x-thing"), "spaced value");
  EXPECT_EQ(request.header("absent"), nullptr);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_EQ(parsed.rest, "GET / HTTP/1.1\r\n");
}

// RFC 9112, 3.2.2: a whole URL as the target, whose host counts instead of the header's.
TEST(HttpRequestParser, ReadsTargetsThatAreUrls) {
  const auto target = [](const std::string& url) {
    const Parsed parsed = parse("GET " + url + " HTTP/1.1\r\nX: 1\r\nHost: header\r\n\r\n");
    EXPECT_TRUE(parsed.request) << url;
    return parsed.request.value_or(HttpRequest{});
  };
  const HttpRequest request = target("http://box.example:8080/health?a=/b?c");
  EXPECT_EQ(request.path, "/health");
  EXPECT_EQ(request.query, "a=/b?c");
  EXPECT_EQ(request.target, "/health?a=/b?c");
  EXPECT_EQ(*request.header("host"), "box.example:8080");
  EXPECT_EQ(std::ranges::count(request.headers, HttpHeader("Host", "header")), 0);
  EXPECT_EQ(target("HTTPS://[::1]").path, "/");
  EXPECT_EQ(*target("HTTPS://[::1]").header("host"), "[::1]");
  EXPECT_EQ(target("http://a?b=1").target, "/?b=1");
  EXPECT_EQ(*target("/http://a/b").header("host"), "header");
  EXPECT_EQ(target("/http://a/b").path, "/http://a/b");
  const auto status = [](const std::string& url) {
    return status_of("GET " + url + " HTTP/1.1\r\nHost: header\r\n\r\n");
  };
  EXPECT_EQ(status("http:///health"), 400);
  EXPECT_EQ(status("http://user@localhost/health"), 400);
  // The header must be there all the same.
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
}

TEST(HttpRequestParser, StopsAtTheHeadBeforeTheBody) {
  HttpRequestParser parser({});
  const std::size_t n = parser.feed(kPost);
  EXPECT_EQ(parser.state(), State::kBody);
  EXPECT_THAT(std::string(kPost.substr(n)), StartsWith("hello world"));
  EXPECT_EQ(parser.request().path, "/v1/chat/completions");
}

TEST(HttpRequestParser, KnowsWhoKeepsTheConnection) {
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\n\r\n").request->keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").request->keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").request->keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").request->keep_alive);
}

TEST(HttpRequestParser, HasLimits) {
  const std::string long_header = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(5000, 'x');
  EXPECT_EQ(status_of(long_header, {.header_bytes = 1000}), 431);
  EXPECT_EQ(status_of("GET /" + std::string(5000, 'x'), {.header_bytes = 1000}), 431);
  EXPECT_EQ(status_of(kPost, {.body_bytes = 10}), 413);
  EXPECT_EQ(status_of(kPost, {.body_bytes = 11}), 0);
  EXPECT_EQ(status_of(kChunked, {.body_bytes = 10}), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;" +
                      std::string(20000, 'e')),
            400);
}

// What two servers could read differently is how requests are smuggled past one of them.
TEST(HttpRequestParser, RefusesWhatIsAmbiguous) {
  const auto with = [](const std::string& headers) {
    return "POST / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\nhello";
  };
  EXPECT_EQ(status_of(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")), 400);
  EXPECT_EQ(status_of(with("Content-Length: 5\r\nContent-Length: 6\r\n")), 400);
  EXPECT_EQ(status_of(with("Content-Length: -5\r\n")), 400);
  EXPECT_EQ(status_of(with("Content-Length: 5x\r\n")), 400);
  EXPECT_EQ(status_of(with("Content-Length: 99999999999999999999999\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: gzip\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked, gzip\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: gzip, chunked\r\n")), 501);
  EXPECT_EQ(status_of(with("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")), 501);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), 400);
  EXPECT_EQ(status_of(with("Origin: http://a\r\nOrigin: http://b\r\n")), 400);
  EXPECT_EQ(status_of(with("Origin: http://a\r\nORIGIN: http://a\r\n")), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: a-miracle\r\n\r\n"), 417);
}

TEST(HttpRequestParser, RefusesWhatIsNotHttp) {
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400);
  EXPECT_EQ(status_of("hello\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: a\nb\0c\r\n\r\n"), 400);
}

TEST(HttpHead, NoValueEndsAHeader) {
  HttpResponse response;
  response.headers.emplace_back("x-id", "a\r\nset-cookie: b\n");
  const std::string head = http_head(response, HttpFraming::kLength, true);
  EXPECT_THAT(head, HasSubstr("\r\nx-id: aset-cookie: b\r\n"));
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head, testing::EndsWith("\r\n\r\n"));
}

TEST(HttpChunk, AnEmptyPieceDoesNotEndTheBody) {
  EXPECT_EQ(http_chunk(""), "");
  EXPECT_EQ(http_chunk("0123456789abcdef"), "10\r\n0123456789abcdef\r\n");
}

}  // namespace
}  // namespace jevons
