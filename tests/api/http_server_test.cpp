// HTTP itself, over real sockets: framing, limits, slow and hostile clients.
#include "api/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>
#include <nlohmann/json.hpp>
#include <thread>

#include "raw_client.h"
#include "running_server.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kCount = "/v1/messages/count_tokens";
constexpr const char* kCountBody =
    R"({"model": "m", "messages": [{"role": "user", "content": "hi"}]})";

int tokens_of(const RawReply& reply) {
  EXPECT_EQ(reply.status, 200) << reply.body;
  return nlohmann::json::parse(reply.body).value("input_tokens", 0);
}

TEST(HttpServer, RequestsMayComeInAnyPieces) {
  const auto server = running_server();
  const std::string request = http_request("POST", kCount, kCountBody);
  const int expected = tokens_of(ask(server->port(), "POST", kCount, kCountBody));
  EXPECT_GT(expected, 0);
  RawClient client(server->port());
  for (std::size_t cut = 1; cut < request.size(); cut += 7) {
    client.send(request.substr(0, cut));
    client.send(request.substr(cut));
    ASSERT_EQ(tokens_of(client.read_reply()), expected) << cut;
  }
  for (const char byte : request) client.send({&byte, 1});
  EXPECT_EQ(tokens_of(client.read_reply()), expected);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send(http_request("GET", "/health/live") + http_request("POST", kCount, kCountBody) +
              http_request("GET", "/nothing") + "\r\n" + http_request("HEAD", "/") +
              http_request("GET", "/health/ready"));
  EXPECT_THAT(client.read_reply().body, HasSubstr("\"status\":\"ok\""));
  EXPECT_GT(tokens_of(client.read_reply()), 0);
  EXPECT_EQ(client.read_reply().status, 404);
  EXPECT_EQ(client.read_reply(true).status, 200);
  EXPECT_EQ(client.read_reply().status, 200);
}

TEST(HttpServer, ReadsChunkedBodies) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send("POST " + std::string(kCount) +
              " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char byte : std::string_view(kCountBody)) {
    client.send("1\r\n" + std::string(1, byte) + "\r\n");
  }
  client.send("0\r\n\r\n");
  EXPECT_GT(tokens_of(client.read_reply()), 0);
}

TEST(HttpServer, TellsClientsToGoOn) {
  const auto server = running_server();
  RawClient client(server->port());
  const std::string head = "POST " + std::string(kCount) +
                           " HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
                           "Content-Length: " +
                           std::to_string(std::string_view(kCountBody).size()) + "\r\n\r\n";
  client.send(head);
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(kCountBody);
  EXPECT_GT(tokens_of(client.read_reply()), 0);
  // What is refused anyway is refused without its body.
  RawClient other(server->port());
  other.send(
      "POST /nothing HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 100\r\n\r\n");
  EXPECT_EQ(other.read_reply().status, 404);
  EXPECT_TRUE(other.sees_end());
}

TEST(HttpServer, HoldsItsLimits) {
  ApiServerOptions options = quick_options();
  options.http.limits = {.header_bytes = 4096, .body_bytes = 10000};
  const auto server = running_server(std::move(options));
  const RawReply body = ask(server->port(), "POST", "/v1/messages", std::string(20000, ' '));
  EXPECT_EQ(body.status, 413);
  EXPECT_THAT(body.body, HasSubstr("\"type\":\"error\""));  // Anthropic's shape
  EXPECT_EQ(body.header("connection"), "close");
  EXPECT_THAT(ask(server->port(), "POST", "/v1/chat/completions", std::string(20000, ' ')).body,
              StartsWith("{\"error\":"));
  EXPECT_EQ(
      ask(server->port(), "GET", "/", "", "X-Long: " + std::string(8000, 'x') + "\r\n").status,
      431);
  // A body that is announced and longer than allowed is refused before it has come.
  RawClient client(server->port());
  client.send("POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 413);
}

TEST(HttpServer, BadRequestsGetAnErrorObjectAndAreClosed) {
  const auto server = running_server();
  for (const std::string bad :
       {"hello\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"}) {
    RawClient client(server->port());
    client.send(bad);
    const RawReply reply = client.read_reply();
    EXPECT_GE(reply.status, 400) << bad;
    EXPECT_LT(reply.status, 500) << bad;
    EXPECT_FALSE(nlohmann::json::parse(reply.body).at("error").at("message").empty());
    EXPECT_TRUE(client.sees_end()) << bad;
  }
}

TEST(HttpServer, SlowHeadsAndBodiesAreCut) {
  const auto server = running_server();
  RawClient silent(server->port());
  EXPECT_TRUE(silent.sees_end());
  RawClient half_a_head(server->port());
  half_a_head.send("GET / HTTP/1.1\r\nHost: loc");
  EXPECT_EQ(half_a_head.read_reply().status, 408);
  RawClient half_a_body(server->port());
  half_a_body.send("POST /v1/messages HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 5\r\n\r\n{");
  EXPECT_EQ(half_a_body.read_reply().status, 408);
  EXPECT_TRUE(half_a_body.sees_end());
}

// A byte now and then does not keep a connection for ever.
TEST(HttpServer, TricklingHeadsAreCut) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
  std::thread trickle([&] {
    for (int i = 0; i < 100; ++i) {
      client.send("x");
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  });
  EXPECT_EQ(client.read_reply().status, 408);
  trickle.join();
}

TEST(HttpServer, IdleConnectionsAreClosed) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send(http_request("GET", "/health/live"));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_TRUE(client.sees_end());
}

TEST(HttpServer, RefusesConnectionsBeyondItsLimit) {
  ApiServerOptions options = quick_options();
  options.http.max_connections = 3;
  options.http.head_timeout = std::chrono::seconds(30);
  const auto server = running_server(std::move(options));
  std::list<RawClient> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(server->port()).send(http_request("GET", "/health/live"));
    EXPECT_EQ(clients.back().read_reply().status, 200);
  }
  RawClient extra(server->port());
  const RawReply refused = extra.read_reply();
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.is_whole);
  EXPECT_NE(refused.header("retry-after"), "");
  // One that leaves makes room.
  clients.pop_front();
  wait_until([&] { return ask(server->port(), "GET", "/health/live").status == 200; });
}

TEST(HttpServer, SpeaksHttp10) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send("GET /health/live HTTP/1.0\r\n\r\n");
  const RawReply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("connection"), "close");
  EXPECT_TRUE(client.sees_end());
}

TEST(HttpServer, AnAddressInUseIsAnError) {
  const auto server = running_server();
  ApiServerOptions options = quick_options();
  options.http.port = server->port();
  const auto second = ApiServer::start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr(std::to_string(server->port())));
}

TEST(HttpServer, OthersMayReachItOnlyWithAKey) {
  ApiServerOptions options = quick_options();
  options.http.host = "0.0.0.0";
  const auto refused = ApiServer::start(std::move(options));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--api-key"));
  ApiServerOptions with_key = quick_options();
  with_key.http.host = "0.0.0.0";
  with_key.keys = *ApiKeys::single("a-key-of-tests");
  EXPECT_TRUE(ApiServer::start(std::move(with_key)));
}

TEST(HttpServer, TheHostOfAUrlIsTheOneThatIsChecked) {
  const auto server = running_server();
  const std::string own = "http://localhost:" + std::to_string(server->port());
  EXPECT_EQ(ask(server->port(), "GET", own + "/health/live").status, 200);
  EXPECT_EQ(ask(server->port(), "GET", own + "/health/live", "", "Host: evil.example\r\n").status,
            200);
  EXPECT_EQ(ask(server->port(), "GET", "http://evil.example/health/live").status, 403);
  EXPECT_GT(tokens_of(ask(server->port(), "POST", own + kCount, kCountBody)), 0);
}

TEST(HttpServer, ASecondOriginIsRefused) {
  ApiServerOptions options = quick_options();
  options.cors_origins = {"http://app.example"};
  const auto server = running_server(std::move(options));
  const RawReply reply = ask(server->port(), "GET", "/v1/models", "",
                             "Origin: http://app.example\r\nOrigin: http://evil.example\r\n");
  EXPECT_EQ(reply.status, 400);
}

TEST(HttpServer, ACodingThatIsNotKnownIsRefused) {
  const auto server = running_server();
  RawClient client(server->port());
  client.send("POST " + std::string(kCount) +
              " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 501);
  EXPECT_TRUE(client.sees_end());
}

// What needs no model is answered to a client that has ended its own side; what needs one is not,
// since a client that has gone altogether looks the same.
TEST(HttpServer, ClientsMayEndTheirSideBeforeTheAnswer) {
  const auto server = running_server();
  const auto reply_to = [&](const std::string& request) {
    RawClient client(server->port());
    client.send(request);
    client.half_close();
    RawReply reply = client.read_reply();
    EXPECT_TRUE(client.sees_end());
    return reply;
  };
  EXPECT_EQ(reply_to(http_request("GET", "/health")).status, 200);
  EXPECT_EQ(reply_to(http_request("GET", "/metrics")).status, 200);
  EXPECT_EQ(reply_to(http_request("GET", "/nothing")).status, 404);
  EXPECT_EQ(reply_to(http_request("GET", "/v1/responses/resp_none")).status, 404);
  EXPECT_EQ(reply_to(http_request("POST", "/v1/chat/completions", "{")).status, 400);
  for (int i = 0; i < 20; ++i) {
    EXPECT_GT(tokens_of(reply_to(http_request("POST", kCount, kCountBody))), 0);
  }
  RawClient generation(server->port());
  generation.send(http_request("POST", "/v1/chat/completions", endless_chat("half closed")));
  generation.half_close();
  EXPECT_TRUE(generation.sees_end());
  wait_until([] { return is_idle(*nano_engine()); });
}

}  // namespace
}  // namespace jevons
