// Requests whose preparation takes long, with the nano model: signs of life, clients that leave,
// the end of the server, and what the pages say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <list>
#include <nlohmann/json.hpp>
#include <optional>

#include "api/api_server.h"
#include "api/preparation_pool.h"
#include "raw_client.h"
#include "running_server.h"

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr const char* kChat = "/v1/chat/completions";
constexpr const char* kStream = R"(, "stream": true)";
constexpr std::size_t kLongWordBytes = std::size_t{24} << 20;
constexpr std::size_t kWordBytes = std::size_t{8} << 20;
// What is given up ends within it, with room for a busy machine; what is not takes far longer.
constexpr std::chrono::seconds kSoon{8};

std::string chat(const std::string& prompt, const std::string& more = "") {
  return R"({"model": "m", "messages": [{"role": "user", "content": ")" + prompt + R"("}])" + more +
         "}";
}

// One word, whose byte pairs take seconds to merge.
std::string word_chat(std::size_t n_bytes, const std::string& more = "") {
  std::string word;
  word.reserve(n_bytes);
  std::uint32_t state = 1;
  while (word.size() < n_bytes) {
    state = state * 1664525 + 1013904223;
    word += static_cast<char>('a' + (state >> 24) % 26);
  }
  return chat(word, more);
}

// A schema whose patterns use up the whole budget, so that it is refused after about a second.
std::string hard_schema() {
  Json properties;
  for (int i = 0; i < 20; ++i) {
    properties["p" + std::to_string(i)] = {
        {"type", "string"}, {"pattern", "^(a|b)*a(a|b){12}c{" + std::to_string(i) + "}$"}};
  }
  const Json schema = {{"type", "object"}, {"properties", properties}};
  const Json format = {{"type", "json_schema"},
                       {"json_schema", {{"name", "x"}, {"schema", schema}}}};
  return R"(, "response_format": )" + format.dump();
}

int n_in_preparation(int port) {
  const Json page = Json::parse(ask(port, "GET", "/v1/jevons/status").body);
  return page.at("preparation").at("n_requests").get<int>();
}

// Requests that keep all planning threads busy until they are dropped.
class BusyPlanners {
 public:
  explicit BusyPlanners(int port) {
    const std::string request = http_request("POST", kChat, word_chat(kWordBytes, kStream));
    for (int i = 0; i < 3 * HttpServerOptions{}.n_preparation_threads; ++i) {
      clients_.emplace_back(port).send(request);
    }
    wait_until([&] { return n_in_preparation(port) == static_cast<int>(clients_.size()); });
  }
  void leave() { clients_.clear(); }

 private:
  std::list<RawClient> clients_;
};

TEST(Preparation, AClientThatWaitsForItSeesSignsOfLife) {
  ApiServerOptions options = quick_options();
  options.http.head_patience = milliseconds(50);
  options.script = std::make_shared<const ScriptedAnswers>(
      *ScriptedAnswers::parse(R"([{"match": "", "answer": "a</think>\n\nb"}])", "script"));
  const auto server = running_server(std::move(options));
  BusyPlanners busy(server->port());
  for (const char* path : {kChat, "/v1/messages", "/v1/responses"}) {
    const bool is_responses = std::string_view(path) == "/v1/responses";
    RawClient client(server->port());
    client.send(http_request("POST", path,
                             is_responses ? R"({"model": "m", "input": "hi", "stream": true})"
                                          : chat("hi", R"(, "max_tokens": 50, "stream": true)")));
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_THAT(head, StartsWith("HTTP/1.1 200")) << path;
    EXPECT_THAT(head, HasSubstr("text/event-stream")) << path;
    EXPECT_THAT(head, HasSubstr("x-jevons-thinking: on")) << path;
    (void)client.read_until("ping");
    EXPECT_THAT(client.read_until("ping"), HasSubstr("ping")) << path;
  }
  RawClient counting(server->port());
  counting.send(http_request("POST", "/v1/messages/count_tokens", chat("hi")));
  EXPECT_THAT(counting.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 200"));
  RawClient last(server->port());
  last.send(http_request("POST", kChat, chat("hi", kStream)));
  (void)last.read_until("ping");
  busy.leave();
  EXPECT_THAT(counting.read_until("input_tokens"), HasSubstr("input_tokens"));
  EXPECT_THAT(last.read_until("[DONE]"), HasSubstr(R"("content":"b")"));
}

TEST(Preparation, WhatIsRefusedAfterTheHeadIsAnEvent) {
  ApiServerOptions options = quick_options();
  options.http.head_patience = milliseconds(0);
  const auto server = running_server(std::move(options));
  std::string words;
  for (int i = 0; i < 400'000; ++i) words += "word ";
  RawClient client(server->port());
  client.send(http_request("POST", kChat, chat(words, kStream)));
  const RawReply reply = client.read_reply();
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.is_whole);
  EXPECT_THAT(reply.body, HasSubstr("context_length_exceeded"));
}

TEST(Preparation, EndsWhenItsClientLeaves) {
  const auto server = running_server();
  for (const bool by_reset : {false, true}) {
    const std::string body = word_chat(kLongWordBytes, by_reset ? kStream : "");
    RawClient client(server->port());
    client.send(http_request("POST", kChat, body));
    wait_until([&] { return n_in_preparation(server->port()) == 1; });
    const auto left = Clock::now();
    if (by_reset) {
      client.reset();
    } else {
      client.half_close();
    }
    wait_until([&] { return n_in_preparation(server->port()) == 0; });
    EXPECT_LT(Clock::now() - left, kSoon);
  }
}

TEST(Preparation, AClientThatLeftWhileItWaitedNeverReachesTheEngine) {
  const auto server = running_server();
  const auto engine = nano_engine();
  BusyPlanners busy(server->port());
  const std::uint64_t n_before = engine->status().n_accepted;
  const int n_busy = n_in_preparation(server->port());
  {
    std::list<RawClient> waiting;
    for (int i = 0; i < 5; ++i) {
      waiting.emplace_back(server->port())
          .send(http_request("POST", kChat, chat("gone", i % 2 == 0 ? kStream : "")));
    }
    wait_until([&] { return n_in_preparation(server->port()) == n_busy + 5; });
  }
  // They have gone before there is room for them.
  wait_until([&] {
    const Json page = Json::parse(ask(server->port(), "GET", "/v1/jevons/status").body);
    return page.at("http").at("n_running").get<int>() == n_busy + 1;
  });
  busy.leave();
  wait_until([&] { return n_in_preparation(server->port()) == 0; });
  EXPECT_EQ(engine->status().n_accepted, n_before);
}

TEST(Preparation, ThatTakesTooLongIsAStalledServer) {
  ApiServerOptions options = quick_options();
  options.stall_seconds = 0.2;
  const auto server = running_server(std::move(options));
  EXPECT_EQ(ask(server->port(), "GET", "/health").status, 200);
  const std::string body = word_chat(kLongWordBytes, kStream);
  RawClient client(server->port());
  client.send(http_request("POST", kChat, body));
  wait_until([&] { return ask(server->port(), "GET", "/health/live").status == 503; });
  const Json health = Json::parse(ask(server->port(), "GET", "/health").body);
  EXPECT_EQ(health.at("status"), "stalled");
  EXPECT_EQ(health.at("preparation").at("n_requests"), 1);
  EXPECT_GT(health.at("preparation").at("oldest_s"), 0.2);
  EXPECT_TRUE(server->is_stalled());
  client.reset();
  wait_until([&] { return ask(server->port(), "GET", "/health").status == 200; });
  EXPECT_FALSE(server->is_stalled());
}

TEST(Preparation, OfALongPromptDoesNotHoldUpTheEndOfTheServer) {
  const auto server = running_server();
  const BusyPlanners busy(server->port());
  const auto began = Clock::now();
  server->stop(milliseconds(20));
  EXPECT_LT(Clock::now() - began, kSoon);
}

TEST(Preparation, OfALargeSchemaDoesNotHoldUpTheEndOfTheServer) {
  const auto server = running_server();
  std::list<RawClient> clients;
  for (int i = 0; i < 24; ++i) {
    const std::string more = hard_schema() + (i % 2 == 0 ? kStream : "");
    clients.emplace_back(server->port()).send(http_request("POST", kChat, chat("hi", more)));
  }
  wait_until([&] { return n_in_preparation(server->port()) > 16; });
  const auto began = Clock::now();
  server->stop(milliseconds(20));
  EXPECT_LT(Clock::now() - began, kSoon);
  EXPECT_THAT(clients.back().read_until("stopping"), HasSubstr("stopping"));
}

TEST(PreparationPool, KnowsHowLongTheOldestHasBeenAtIt) {
  PreparationPool pool(1);
  EXPECT_EQ(pool.load().n_requests, 0);
  EXPECT_EQ(pool.load().oldest_s, 0);
  std::atomic<bool> may_end = false;
  std::atomic<bool> was_read = false;
  for (int i = 0; i < 3; ++i) {
    pool.post(PreparationPool::Stage::kPlan, [&] { may_end.wait(false); });
  }
  // What waits to be planned keeps nobody from being read.
  pool.post(PreparationPool::Stage::kRead, [&] { was_read = true; });
  wait_until([&] { return was_read.load() && pool.load().n_requests == 3; });
  wait_until([&] { return pool.load().oldest_s > 0.02; });
  may_end = true;
  may_end.notify_all();
  pool.join();
  EXPECT_EQ(pool.load().n_requests, 0);
  EXPECT_EQ(pool.load().oldest_s, 0);
}

}  // namespace
}  // namespace jevons
