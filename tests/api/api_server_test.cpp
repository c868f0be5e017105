// The whole server with the nano model: keys, pages, generations, clients that leave, the end.
#include "api/api_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "prometheus_parser.h"
#include "raw_client.h"
#include "running_server.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Json = nlohmann::json;

constexpr const char* kChat = "/v1/chat/completions";

std::string chat(const std::string& prompt, const std::string& more = "") {
  return R"({"model": "m", "messages": [{"role": "user", "content": ")" + prompt + R"("}])" + more +
         "}";
}

std::shared_ptr<const ScriptedAnswers> script(const std::string& json) {
  auto parsed = ScriptedAnswers::parse(json, "script");
  EXPECT_TRUE(parsed) << parsed.error().message;
  return std::make_shared<const ScriptedAnswers>(*std::move(parsed));
}

ApiServerOptions with_script(const std::string& json) {
  ApiServerOptions options = quick_options();
  options.script = script(json);
  return options;
}

// The data of a stream's events.
std::vector<Json> events_of(const RawReply& reply) {
  std::vector<Json> events;
  std::istringstream lines(reply.body);
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("data: ") && line != "data: [DONE]") {
      events.push_back(Json::parse(line.substr(6)));
    }
  }
  return events;
}

TEST(ApiServer, AnswersAChat) {
  const auto server =
      running_server(with_script(R"([{"match": "", "answer": "think</think>\n\nHello there."}])"));
  const RawReply reply = ask(server->port(), "POST", kChat, chat("hi"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("content-type"), "application/json");
  EXPECT_EQ(reply.header("x-jevons-thinking"), "on");
  const Json choice = Json::parse(reply.body).at("choices").at(0);
  EXPECT_EQ(choice.at("message").at("content"), "Hello there.");
  EXPECT_EQ(choice.at("message").at("reasoning_content"), "think");
  EXPECT_EQ(choice.at("finish_reason"), "stop");
}

TEST(ApiServer, StreamsTheSameAsItAnswersWhole) {
  const auto server =
      running_server(with_script(R"([{"match": "", "answer": "think</think>\n\nHello there."}])"));
  const RawReply reply = ask(server->port(), "POST", kChat, chat("hi", R"(, "stream": true)"));
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.header("content-type"), StartsWith("text/event-stream"));
  ASSERT_FALSE(reply.chunks.empty());
  EXPECT_THAT(reply.chunks.front(), testing::AnyOf(StartsWith(":"), StartsWith("data: ")));
  std::string text, reasoning;
  for (const Json& event : events_of(reply)) {
    for (const Json& choice : event.at("choices")) {
      text += choice.at("delta").value("content", "");
      reasoning += choice.at("delta").value("reasoning_content", "");
    }
  }
  EXPECT_EQ(text, "Hello there.");
  EXPECT_EQ(reasoning, "think");
  EXPECT_THAT(reply.body, testing::EndsWith("data: [DONE]\n\n"));
}

constexpr const char* kTools =
    R"(, "tools": [{"type": "function", "function": {"name": "weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"]}}}])";
constexpr const char* kCallScript =
    R"([
    {"match": "rain", "answer": "ok</think>\n\nIt rains."},
    {"match": "weather", "answer": "look</think>\n\n<minimax:tool_call>\n)"
    R"(<invoke name=\"weather\">\n<parameter name=\"city\">Paris</parameter>\n)"
    R"(<parameter name=\"days\">3</parameter>\n</invoke>\n</minimax:tool_call>"}])";

TEST(ApiServer, CarriesAToolLoop) {
  const auto server = running_server(with_script(kCallScript));
  const RawReply first = ask(server->port(), "POST", kChat, chat("the weather?", kTools));
  ASSERT_EQ(first.status, 200) << first.body;
  const Json choice = Json::parse(first.body).at("choices").at(0);
  EXPECT_EQ(choice.at("finish_reason"), "tool_calls");
  Json message = choice.at("message");
  const Json call = message.at("tool_calls").at(0);
  EXPECT_EQ(call.at("function").at("name"), "weather");
  EXPECT_EQ(Json::parse(call.at("function").at("arguments").get<std::string>()),
            Json({{"city", "Paris"}, {"days", 3}}));
  EXPECT_THAT(call.at("id").get<std::string>(), StartsWith("call_"));

  // The client drops the reasoning; the prompt is still the one that the model saw.
  message.erase("reasoning_content");
  message.erase("reasoning_details");
  // Its keys stay in their order, or the tools would be other text.
  auto body = nlohmann::ordered_json::parse(chat("the weather?", kTools));
  body["messages"].push_back(nlohmann::ordered_json::parse(message.dump()));
  body["messages"].push_back(
      {{"role", "tool"}, {"tool_call_id", call.at("id")}, {"content", "rain"}});
  const RawReply second = ask(server->port(), "POST", kChat, body.dump());
  ASSERT_EQ(second.status, 200) << second.body;
  const Json answer = Json::parse(second.body);
  EXPECT_EQ(answer.at("choices").at(0).at("message").at("content"), "It rains.");
  const int n_first = Json::parse(first.body).at("usage").at("prompt_tokens");
  EXPECT_GE(answer.at("usage").at("prompt_tokens_details").at("cached_tokens"), n_first);
}

TEST(ApiServer, KeepsResponses) {
  const auto server =
      running_server(with_script(R"([{"match": "", "answer": "a</think>\n\nkept"}])"));
  const RawReply made =
      ask(server->port(), "POST", "/v1/responses", R"({"model": "m", "input": "hi"})");
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string path = "/v1/responses/" + Json::parse(made.body).at("id").get<std::string>();
  EXPECT_THAT(ask(server->port(), "GET", path).body, HasSubstr("kept"));
  EXPECT_EQ(ask(server->port(), "GET", path + "/input_items").status, 200);
  EXPECT_EQ(ask(server->port(), "DELETE", path).status, 200);
  EXPECT_EQ(ask(server->port(), "GET", path).status, 404);
  EXPECT_EQ(ask(server->port(), "POST", path + "/cancel", "{}").status, 404);
}

TEST(ApiServer, ASecondAnswerReadsNothingAgain) {
  const auto server = running_server(with_script(R"([{"match": "", "answer": "a</think>\n\nb"}])"));
  const std::string body = chat("a question that nobody else asks");
  (void)ask(server->port(), "POST", kChat, body);
  const Json usage = Json::parse(ask(server->port(), "POST", kChat, body).body).at("usage");
  EXPECT_EQ(usage.at("prompt_tokens_details").at("cached_tokens").get<int>(),
            usage.at("prompt_tokens").get<int>() - 1);
}

TEST(ApiServer, BadRequestsHaveTheirDialectsShape) {
  const auto server = running_server();
  for (const char* body : {"", "{", "[]", "{}", R"({"messages": 1})", R"({"messages": []})"}) {
    const RawReply openai = ask(server->port(), "POST", kChat, body);
    EXPECT_EQ(openai.status, 400) << body;
    EXPECT_FALSE(Json::parse(openai.body).at("error").at("message").empty());
    const RawReply anthropic = ask(server->port(), "POST", "/v1/messages?beta=true", body);
    EXPECT_EQ(anthropic.status, 400) << body;
    EXPECT_EQ(Json::parse(anthropic.body).at("type"), "error");
  }
}

TEST(ApiServer, WrongPathsAndMethodsAreTold) {
  const auto server = running_server();
  EXPECT_EQ(ask(server->port(), "GET", "/v1/nothing").status, 404);
  EXPECT_EQ(Json::parse(ask(server->port(), "GET", "/v1/messages/x").body).at("type"), "error");
  const RawReply method = ask(server->port(), "GET", kChat);
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("allow"), "POST, OPTIONS");
  for (const char* path : {"/v1/embeddings", "/v1/images/generations", "/v1/audio/speech",
                           "/v1/moderations", "/v1/batches", "/v1/files", "/v1/assistants"}) {
    const RawReply absent = ask(server->port(), "POST", path, "{}");
    EXPECT_EQ(absent.status, 404) << path;
    EXPECT_THAT(Json::parse(absent.body).at("error").at("message").get<std::string>(),
                HasSubstr("this server"));
  }
  EXPECT_EQ(ask(server->port(), "HEAD", "/").status, 200);
  EXPECT_THAT(ask(server->port(), "GET", "/").body, HasSubstr(kChat));
}

TEST(ApiServer, APromptBeyondTheContextIsRefusedWithBothNumbers) {
  const auto server = running_server();
  std::string words;
  for (int i = 0; i < 3000; ++i) words += "word ";
  for (const char* path : {kChat, "/v1/messages"}) {
    const RawReply reply =
        ask(server->port(), "POST", path, chat(words, R"(, "max_tokens": 5, "stream": true)"));
    EXPECT_EQ(reply.status, 400) << path;
    EXPECT_THAT(reply.body, HasSubstr("2048")) << path;
  }
}

TEST(ApiServer, ChecksKeys) {
  ApiServerOptions options = quick_options();
  options.keys = *ApiKeys::single("the-right-key");
  const auto server = running_server(std::move(options));
  for (const char* headers : {"", "Authorization: Bearer wrong-key\r\n", "X-Api-Key: \r\n"}) {
    const RawReply reply = ask(server->port(), "POST", kChat, chat("hi"), headers);
    EXPECT_EQ(reply.status, 401) << headers;
    EXPECT_EQ(reply.header("www-authenticate"), "Bearer");
    EXPECT_THAT(reply.body, Not(HasSubstr("wrong-key")));
  }
  EXPECT_EQ(
      Json::parse(ask(server->port(), "POST", "/v1/messages", "{}").body).at("error").at("type"),
      "authentication_error");
  for (const char* headers :
       {"Authorization: Bearer the-right-key\r\n", "X-Api-Key: the-right-key\r\n"}) {
    EXPECT_EQ(ask(server->port(), "GET", "/v1/models", "", headers).status, 200);
  }
  EXPECT_EQ(ask(server->port(), "GET", "/metrics").status, 401);
  EXPECT_EQ(ask(server->port(), "GET", "/health").status, 200);
  EXPECT_EQ(ask(server->port(), "HEAD", "/").status, 200);
  EXPECT_TRUE(server->set_keys(*ApiKeys::single("another-key")));
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models", "", "X-Api-Key: the-right-key\r\n").status,
            401);
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models", "", "X-Api-Key: another-key\r\n").status, 200);
}

TEST(ApiServer, AKeySeesItsOwnRequests) {
  const ScratchFolder folder;
  const std::string path = folder / "keys.toml";
  std::ofstream(path) << "[[key]]\nname = \"mine\"\nkey = \"key-number-1\"\n"
                         "[[key]]\nname = \"other\"\nkey = \"key-number-2\"\n"
                         "[[key]]\nname = \"head\"\nkey = \"key-number-3\"\nsees_all = true\n";
  ApiServerOptions options = quick_options();
  options.keys = *ApiKeys::read(path);
  const auto server = running_server(std::move(options));
  RawClient client(server->port());
  client.send(http_request("POST", kChat, endless_chat("whose"), "X-Api-Key: key-number-1\r\n"));
  wait_until([] { return nano_engine()->status().sequences.size() == 1; });
  const auto seen_by = [&](const std::string& key) {
    const RawReply reply =
        ask(server->port(), "GET", "/v1/jevons/status", "", "X-Api-Key: " + key + "\r\n");
    const Json page = Json::parse(reply.body);
    EXPECT_EQ(page.at("n_sequences"), 1);
    return page.at("sequences").size();
  };
  EXPECT_EQ(seen_by("key-number-1"), 1);
  EXPECT_EQ(seen_by("key-number-2"), 0);
  EXPECT_EQ(seen_by("key-number-3"), 1);
}

TEST(ApiServer, RefusesForeignHostsAndOrigins) {
  ApiServerOptions options = quick_options();
  options.cors_origins = {"http://app.example"};
  const auto server = running_server(std::move(options));
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models", "", "Host: evil.example\r\n").status, 403);
  EXPECT_EQ(
      ask(server->port(), "POST", kChat, chat("hi"), "Origin: http://evil.example\r\n").status,
      403);
  const RawReply allowed =
      ask(server->port(), "GET", "/v1/models", "", "Origin: http://app.example\r\n");
  EXPECT_EQ(allowed.status, 200);
  EXPECT_EQ(allowed.header("access-control-allow-origin"), "http://app.example");
  const RawReply preflight = ask(server->port(), "OPTIONS", kChat, "",
                                 "Origin: http://app.example\r\n"
                                 "Access-Control-Request-Method: POST\r\n"
                                 "Access-Control-Request-Headers: authorization\r\n");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.header("access-control-allow-headers"), "authorization");
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models").header("access-control-allow-origin"), "");
}

TEST(ApiServer, ListsItsModelForBothFamilies) {
  const auto server = running_server();
  const Json list = Json::parse(ask(server->port(), "GET", "/v1/models").body);
  EXPECT_EQ(list.at("object"), "list");
  EXPECT_EQ(list.at("has_more"), false);
  const Json model = list.at("data").at(0);
  for (const char* field : {"id", "object", "created", "owned_by", "type", "display_name",
                            "created_at", "quantization"}) {
    EXPECT_TRUE(model.contains(field)) << field;
  }
  EXPECT_EQ(model.at("context_length"), 2048);
  EXPECT_EQ(model.at("max_model_len"), 2048);
  const std::string id = model.at("id");
  EXPECT_EQ(Json::parse(ask(server->port(), "GET", "/v1/models/" + id).body), model);
  EXPECT_EQ(ask(server->port(), "GET", "/v1/models/gpt-9").status, 404);
  EXPECT_EQ(Json::parse(ask(server->port(), "GET", "/v1/models/gpt-9", "",
                            "anthropic-version: 2023-06-01\r\n")
                            .body)
                .at("type"),
            "error");
}

TEST(ApiServer, SaysThatItIsLoading) {
  auto server = ApiServer::start(quick_options());
  ASSERT_TRUE(server);
  const int port = (*server)->port();
  const RawReply health = ask(port, "GET", "/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(Json::parse(health.body).at("status"), "loading");
  EXPECT_EQ(Json::parse(health.body).at("model"), "nano.gguf");
  EXPECT_EQ(ask(port, "GET", "/health/live").status, 200);
  EXPECT_EQ(ask(port, "GET", "/health/ready").status, 503);
  EXPECT_EQ(ask(port, "GET", "/v1/jevons/status").status, 200);
  const RawReply refused = ask(port, "POST", kChat, chat("hi"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_NE(refused.header("retry-after"), "");
  (*server)->attach(nano_engine());
  EXPECT_EQ(ask(port, "GET", "/health").status, 200);
  EXPECT_EQ(ask(port, "GET", "/health/ready").status, 200);
}

TEST(ApiServer, MetricsCanBeRead) {
  const auto server =
      running_server(with_script(R"([{"match": "", "answer": "a b c</think>\n\nd e f"}])"));
  (void)ask(server->port(), "POST", kChat, chat("hi"));
  wait_until([&] {
    const auto samples = parse_prometheus(ask(server->port(), "GET", "/metrics").body);
    return samples.contains(
        R"(jevons_http_requests_total{path="/v1/chat/completions",code="200"})");
  });
  const auto samples = parse_prometheus(ask(server->port(), "GET", "/metrics").body);
  EXPECT_EQ(samples.at("jevons_time_to_first_token_seconds_count"), 1);
  EXPECT_GT(samples.at("jevons_inter_token_seconds_count"), 0);
  EXPECT_GT(samples.at("jevons_generated_tokens_total"), 0);
  EXPECT_EQ(samples.at("jevons_model_loaded"), 1);
}

TEST(ApiServer, RepeatsRequestIds) {
  const auto server = running_server();
  const RawReply given = ask(server->port(), "GET", "/health", "", "X-Request-Id: abc-1\r\n");
  EXPECT_EQ(given.header("x-request-id"), "abc-1");
  EXPECT_EQ(given.header("request-id"), "abc-1");
  EXPECT_THAT(ask(server->port(), "GET", "/health").header("x-request-id"), StartsWith("req_"));
}

TEST(ApiServer, HeadersSayHowUrgentARequestIs) {
  const auto server = running_server();
  EXPECT_EQ(ask(server->port(), "POST", kChat, chat("hi"), "X-Jevons-Priority: high\r\n").status,
            400);
  EXPECT_EQ(
      ask(server->port(), "POST", kChat, chat("hi"), "X-Jevons-Deadline-Seconds: soon\r\n").status,
      400);
  const RawReply late = ask(server->port(), "POST", kChat, endless_chat("deadline"),
                            "X-Jevons-Deadline-Seconds: 0.000000001\r\n");
  EXPECT_EQ(late.status, 504);
}

// ---- Signs of life and clients that leave --------------------------------------------------

TEST(ApiServer, SaysThatItLivesWhileAClientWaits) {
  const auto server = running_server();
  // Not streamed: after a while the head comes, and spaces that JSON readers skip.
  RawClient whole(server->port());
  whole.send(http_request("POST", kChat, endless_chat("whole", R"(, "max_tokens": 600)")));
  const RawReply reply = whole.read_reply();
  ASSERT_EQ(reply.status, 200);
  EXPECT_EQ(reply.header("transfer-encoding"), "chunked");
  ASSERT_GT(reply.chunks.size(), 1U);
  EXPECT_EQ(reply.chunks.front().find_first_not_of(" \n"), std::string::npos);
  EXPECT_EQ(Json::parse(reply.body).at("choices").at(0).at("finish_reason"), "length");
}

TEST(ApiServer, PingsInTheQueueAndInHiddenPhases) {
  const auto server = running_server();
  std::list<RawClient> busy;
  for (int i = 0; i < 4; ++i) {
    busy.emplace_back(server->port())
        .send(http_request("POST", kChat, endless_chat("busy " + std::to_string(i))));
  }
  wait_until([] { return nano_engine()->status().sequences.size() == 4; });
  RawClient queued(server->port());
  queued.send(http_request("POST", "/v1/messages",
                           endless_chat("queued", R"(, "max_tokens": 5, "stream": true)")));
  const std::string head = queued.read_until("\r\n\r\n");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 200"));
  (void)queued.read_until("ping");
  (void)queued.read_until("ping");
  busy.clear();
  EXPECT_THAT(queued.read_until("message_stop"), HasSubstr("message_stop"));
  wait_until([] { return is_idle(*nano_engine()); });
}

TEST(ApiServer, ClientsThatLeaveAreForgottenInEveryPhase) {
  const auto server = running_server();
  const auto engine = nano_engine();
  std::string long_prompt;
  for (int i = 0; i < 250; ++i) long_prompt += "word " + std::to_string(i) + " ";
  const std::string stream = R"(, "stream": true)";
  enum class Phase { kPrompt, kFirstBytes, kAnswer, kWhole, kQueue };
  for (const Phase phase :
       {Phase::kPrompt, Phase::kFirstBytes, Phase::kAnswer, Phase::kWhole, Phase::kQueue}) {
    for (const bool by_reset : {false, true}) {
      const std::uint64_t n_before = engine->status().n_cancelled;
      std::list<RawClient> busy;
      if (phase == Phase::kQueue) {
        for (int i = 0; i < 4; ++i) {
          busy.emplace_back(server->port())
              .send(http_request("POST", kChat, endless_chat("b" + std::to_string(i))));
        }
        wait_until([&] { return engine->status().sequences.size() == 4; });
      }
      const std::size_t n_busy = busy.size();
      auto client = std::make_unique<RawClient>(server->port());
      const std::string prompt =
          phase == Phase::kPrompt ? long_prompt + (by_reset ? "reset" : "closed") : "leaving";
      client->send(
          http_request("POST", kChat, endless_chat(prompt, phase == Phase::kWhole ? "" : stream)));
      if (phase == Phase::kFirstBytes) (void)client->read_until("\r\n\r\n");
      if (phase == Phase::kAnswer) (void)client->read_until("reasoning");
      wait_until([&] { return engine->status().sequences.size() == n_busy + 1; });
      if (by_reset) client->reset();
      client.reset();
      wait_until([&] { return engine->status().sequences.size() == n_busy; });
      EXPECT_EQ(engine->status().n_cancelled, n_before + 1);
      busy.clear();
      wait_until([&] { return is_idle(*engine); });
    }
  }
}

TEST(ApiServer, AClientThatReadsNothingIsCutOff) {
  const auto server = running_server();
  const auto engine = nano_engine();
  const std::uint64_t n_before = engine->status().n_cancelled;
  RawClient client(server->port(), 4096);
  // More than the sockets' buffers hold: many logprobs of several answers.
  client.send(
      http_request("POST", kChat, endless_chat("silent", R"(, "stream": true, "logprobs": true,
                                        "top_logprobs": 20, "n": 4)")));
  wait_until([&] { return engine->status().has_work; });
  wait_until([&] { return is_idle(*engine); });
  EXPECT_GT(engine->status().n_cancelled, n_before);
}

TEST(ApiServer, AFullQueueIsRefusedBeforeTheFirstByte) {
  const auto server = running_server();
  std::list<RawClient> busy;
  for (int i = 0; i < 8; ++i) {
    busy.emplace_back(server->port())
        .send(http_request("POST", kChat, endless_chat("full " + std::to_string(i))));
  }
  wait_until([] { return nano_engine()->status().sequences.size() == 8; });
  const RawReply refused =
      ask(server->port(), "POST", kChat, chat("one more", R"(, "stream": true)"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.header("retry-after"), "");
  EXPECT_FALSE(Json::parse(refused.body).at("error").at("message").empty());
  busy.clear();
  wait_until([] { return is_idle(*nano_engine()); });
}

// ---- The end -------------------------------------------------------------------------------

TEST(ApiServer, FinishesWhatRunsBeforeItStops) {
  const auto server =
      running_server(with_script(R"([{"match": "", "answer": "a</think>\n\nthe end"}])"));
  RawClient idle(server->port());
  idle.send(http_request("GET", "/health/live"));
  EXPECT_EQ(idle.read_reply().status, 200);
  RawClient client(server->port());
  client.send(http_request("POST", kChat, chat("hi", R"(, "stream": true)")));
  (void)client.read_until("\r\n\r\n");
  std::thread stopper([&] { server->stop(std::chrono::seconds(20)); });
  EXPECT_THAT(client.read_until("[DONE]"), HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_TRUE(idle.sees_end());
  stopper.join();
}

TEST(ApiServer, EndsWhatRunsTooLongWithAnError) {
  const auto server = running_server();
  RawClient stream(server->port());
  stream.send(http_request("POST", kChat, endless_chat("last", R"(, "stream": true)")));
  (void)stream.read_until("reasoning");
  RawClient whole(server->port());
  whole.send(http_request("POST", kChat, endless_chat("last whole")));
  wait_until([] { return nano_engine()->status().sequences.size() == 2; });
  std::thread stopper([&] { server->stop(std::chrono::milliseconds(10)); });
  EXPECT_THAT(stream.read_until("stopping"), HasSubstr("error"));
  EXPECT_TRUE(whole.read_reply().body.find("stopping") != std::string::npos);
  stopper.join();
  wait_until([] { return is_idle(*nano_engine()); });
}

}  // namespace
}  // namespace jevons
