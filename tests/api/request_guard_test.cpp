#include "api/request_guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/request_headers.h"

namespace jevons {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

HttpRequest request(std::vector<HttpHeader> headers) {
  HttpRequest made;
  made.method = "POST";
  made.path = made.target = "/v1/messages";
  made.headers = std::move(headers);
  return made;
}

bool accepts(const RequestGuard& guard, std::vector<HttpHeader> headers) {
  return !guard.problem(request(std::move(headers)));
}

TEST(RequestGuard, TakesHostsThatNoForeignNameCanPretendToBe) {
  const RequestGuard guard({}, {"box.example"});
  for (const char* host : {"localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "[::1]",
                           "192.168.1.5", "tool.localhost", "box.example:443", "BOX.example."}) {
    EXPECT_TRUE(accepts(guard, {{"Host", host}})) << host;
  }
  for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "",
                           "1.2.3", "[::1", "box.example.evil", "[127.0.0.1].evil.example",
                           "[::1]evil.example", "127.0.0.1:80:evil", "localhost:8x"}) {
    EXPECT_FALSE(accepts(guard, {{"Host", host}})) << host;
  }
}

TEST(RequestGuard, TakesPagesOfItsOwnAndOfAllowedOrigins) {
  const RequestGuard guard({"http://app.example:3000"}, {});
  EXPECT_TRUE(accepts(guard, {{"Host", "localhost:80"}}));
  EXPECT_TRUE(accepts(guard, {{"Host", "localhost:80"}, {"Origin", "http://localhost:80"}}));
  EXPECT_TRUE(accepts(guard, {{"Host", "localhost"}, {"Origin", "http://app.example:3000"}}));
  EXPECT_FALSE(accepts(guard, {{"Host", "localhost"}, {"Origin", "http://app.example"}}));
  EXPECT_FALSE(accepts(guard, {{"Host", "localhost"}, {"Origin", "http://localhost:3000"}}));
  EXPECT_FALSE(accepts(guard, {{"Host", "localhost"}, {"Origin", "null"}}));
  EXPECT_TRUE(accepts(RequestGuard({"*"}, {}), {{"Host", "localhost"}, {"Origin", "null"}}));
}

TEST(RequestGuard, SaysHowToAllowWhatItRefuses) {
  const RequestGuard guard({}, {});
  EXPECT_THAT(*guard.problem(request({{"Host", "box.example:8080"}})),
              HasSubstr("--allowed-host box.example"));
  EXPECT_THAT(*guard.problem(request({{"Host", "localhost"}, {"Origin", "http://a.example"}})),
              HasSubstr("--cors-origin http://a.example"));
}

TEST(RequestGuard, AnswersTheBrowsersQuestion) {
  const RequestGuard guard({"http://app.example"}, {});
  const HttpRequest asked = request({{"Host", "localhost"},
                                     {"Origin", "http://app.example"},
                                     {"Access-Control-Request-Method", "POST"},
                                     {"Access-Control-Request-Headers", "x-api-key"}});
  const HttpResponse answer = guard.preflight(asked, "POST, OPTIONS");
  EXPECT_EQ(answer.status, 204);
  EXPECT_THAT(answer.headers,
              Contains(HttpHeader("access-control-allow-methods", "POST, OPTIONS")));
  EXPECT_THAT(answer.headers, Contains(HttpHeader("access-control-allow-headers", "x-api-key")));
  EXPECT_THAT(guard.cors_headers(asked),
              Contains(HttpHeader("access-control-allow-origin", "http://app.example")));
  EXPECT_THAT(guard.cors_headers(request({{"Origin", "http://b.example"}})), IsEmpty());
  EXPECT_THAT(guard.cors_headers(request({})), IsEmpty());
}

TEST(RequestHeaders, FindTheKey) {
  EXPECT_EQ(presented_key(request({{"Authorization", "Bearer abc"}})), "abc");
  EXPECT_EQ(presented_key(request({{"authorization", "bearer   abc"}})), "abc");
  EXPECT_EQ(presented_key(request({{"X-Api-Key", "abc"}})), "abc");
  EXPECT_EQ(presented_key(request({{"Authorization", "Basic abc"}})), "");
  EXPECT_EQ(presented_key(request({})), "");
}

TEST(RequestHeaders, RepeatOnlyIdsThatAreFit) {
  EXPECT_EQ(request_id_of(request({{"x-request-id", "trace-1.2:3_4"}})), "trace-1.2:3_4");
  for (const std::string bad : {"", "a b", "a\"b", "\xc3\xa4"}) {
    EXPECT_THAT(request_id_of(request({{"x-request-id", bad}})), testing::StartsWith("req_"));
  }
  EXPECT_THAT(request_id_of(request({{"x-request-id", std::string(200, 'a')}})),
              testing::StartsWith("req_"));
  EXPECT_NE(request_id_of(request({})), request_id_of(request({})));
}

TEST(RequestHeaders, SayWhoAsksAndHowUrgently) {
  const auto plain = caller_of(request({}), "10.0.0.1", nullptr);
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->client, "10.0.0.1");
  EXPECT_EQ(plain->cache_scope, "");
  EXPECT_FALSE(plain->priority);

  ApiKey key;
  key.name = "night";
  key.max_tokens = 7;
  const auto keyed = caller_of(
      request({{"x-jevons-priority", "background"}, {"x-jevons-deadline-seconds", "2.5"}}),
      "10.0.0.1", &key);
  ASSERT_TRUE(keyed);
  EXPECT_EQ(keyed->client, "night");
  EXPECT_EQ(keyed->cache_scope, "night");
  EXPECT_EQ(keyed->max_tokens, 7);
  EXPECT_EQ(keyed->priority, Priority::kBackground);
  EXPECT_EQ(keyed->deadline_s, 2.5);

  for (const char* bad : {"", "0", "-1", "soon", "1s", "nan"}) {
    EXPECT_FALSE(caller_of(request({{"x-jevons-deadline-seconds", bad}}), "a", nullptr)) << bad;
  }
  EXPECT_FALSE(caller_of(request({{"x-jevons-priority", "high"}}), "a", nullptr));
}

}  // namespace
}  // namespace jevons
