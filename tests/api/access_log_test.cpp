#include "api/access_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jevons {
namespace {

using testing::HasSubstr;
using testing::Not;

HttpExchange exchange() {
  HttpExchange made;
  made.request.method = "POST";
  made.request.path = "/v1/messages";
  made.request.query = "key=secret";
  made.request.body = "the body";
  made.peer = "127.0.0.1";
  made.status = 200;
  return made;
}

RequestRecord record() {
  RequestRecord made;
  made.request_id = "req_1";
  made.key_name = "laptop";
  made.is_generation = true;
  made.n_prompt_tokens = 20;
  made.n_cached_tokens = 12;
  made.n_answer_tokens = 3;
  made.first_token_ms = 41.6;
  made.stop_reason = "stop";
  return made;
}

TEST(AccessLog, ALineHasEverythingButContent) {
  const std::string line = access_line(exchange(), record(), 1.5);
  EXPECT_EQ(line,
            "POST /v1/messages 200 key=laptop prompt=20 cached=12 out=3 ttft=42ms time=1.500s "
            "stop=stop id=req_1 peer=127.0.0.1");
}

TEST(AccessLog, JsonHasTheSame) {
  const auto json = nlohmann::json::parse("{" + access_json(exchange(), record(), 1.5) + "}");
  EXPECT_EQ(json.at("path"), "/v1/messages");
  EXPECT_EQ(json.at("status"), 200);
  EXPECT_EQ(json.at("cached_tokens"), 12);
  EXPECT_EQ(json.at("key"), "laptop");
  EXPECT_FALSE(json.contains("prompt_text"));
  EXPECT_FALSE(json.contains("error"));
}

// What a client sends cannot make lines of its own in the log.
TEST(AccessLog, NothingBreaksALine) {
  HttpExchange made = exchange();
  made.request.path = "/a\xff";
  made.status = 0;
  RequestRecord said = record();
  said.error = "line\nbreak \"quoted\"";
  said.prompt_text = "text\n\xff";
  const std::string line = access_line(made, said, 0);
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  EXPECT_THAT(line, HasSubstr(" left "));
  EXPECT_THAT(line, HasSubstr(R"(error="line\nbreak \"quoted\"")"));
  EXPECT_TRUE(nlohmann::json::accept("{" + access_json(made, said, 0) + "}"));
}

}  // namespace
}  // namespace jevons
