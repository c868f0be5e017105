#include "engine/turn_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>

#include "text/output_parser.h"

namespace jevons {
namespace {

Message answer(const std::string& id, const std::string& arguments = R"({"a": 1, "b": "x"})") {
  Message message = new_assistant_message();
  message.reasoning = "because";
  message.content = "Now.";
  message.tool_calls = {{id, "f", arguments}};
  return message;
}

TEST(TurnStore, FindsWhatClientsMakeOfAnAnswer) {
  TurnStore turns;
  const std::vector<std::int32_t> ids = {1, 2, 3};
  turns.remember("key", answer("call_1x", R"({"n": 1e2, "o": {"a": [1, -0.0], "b": null}})"),
                 "<think>\n", ids);
  Message echo = answer("call1x", R"({"o":{"b":null,"a":[1.0,0]},"n":100})");
  echo.content = Content(std::vector<std::string>{"Now", ".\n"});
  echo.reasoning = "\nbecause ";
  ASSERT_NE(turns.find("key", echo), nullptr);
  EXPECT_EQ(turns.find("key", echo)->ids, ids);
  EXPECT_EQ(turns.find("key", echo)->opening, "<think>\n");
  EXPECT_EQ(turns.find("key", echo)->reasoning, "because");
  echo.reasoning.reset();
  EXPECT_NE(turns.find("key", echo), nullptr);
  echo.reasoning = "";
  EXPECT_NE(turns.find("key", echo), nullptr);
}

TEST(TurnStore, FindsNothingThatSaysSomethingElse) {
  TurnStore turns;
  turns.remember("key", answer("call_1"), "<think>\n", std::vector<std::int32_t>{1});
  ASSERT_NE(turns.find("key", answer("call_1")), nullptr);
  EXPECT_EQ(turns.find("other", answer("call_1")), nullptr);
  EXPECT_EQ(turns.find("key", answer("call_2")), nullptr);
  EXPECT_EQ(turns.find("key", answer("call_1", R"({"a": 2, "b": "x"})")), nullptr);
  EXPECT_EQ(turns.find("key", answer("call_1", R"({"a": 1, "b": "x "})")), nullptr);
  EXPECT_EQ(turns.find("key", answer("call_1", R"({"a": 1})")), nullptr);
  Message other = answer("call_1");
  other.content = "Never.";
  EXPECT_EQ(turns.find("key", other), nullptr);
  other = answer("call_1");
  other.reasoning = "another reason";
  EXPECT_EQ(turns.find("key", other), nullptr);
  other = answer("call_1");
  other.tool_calls[0].name = "g";
  EXPECT_EQ(turns.find("key", other), nullptr);
  other.tool_calls.clear();
  EXPECT_EQ(turns.find("key", other), nullptr);
}

TEST(TurnStore, AnAnswerWithoutCallsNeedsItsReasoning) {
  TurnStore turns;
  Message text = new_assistant_message();
  text.content = "OK";
  text.reasoning = "easy";
  turns.remember("key", text, "<think>\n", std::vector<std::int32_t>{1});
  EXPECT_NE(turns.find("key", text), nullptr);
  text.reasoning.reset();
  EXPECT_EQ(turns.find("key", text), nullptr);
}

TEST(TurnStore, KeepsWhatWasUsedLastWithinItsBytes) {
  TurnStore turns(20'000);
  const std::vector<std::int32_t> ids(200, 7);
  for (int i = 0; i < 100; ++i) {
    turns.remember("key", answer(fmt::format("c{}", i)), "<think>\n", ids);
    EXPECT_LE(turns.n_bytes(), 20'000U);
    EXPECT_NE(turns.find("key", answer("c0")), nullptr) << i;
    EXPECT_NE(turns.find("key", answer(fmt::format("c{}", i))), nullptr);
  }
  EXPECT_EQ(turns.find("key", answer("c1")), nullptr);
  EXPECT_GT(turns.n_bytes(), 10'000U);
  turns.remember("key", answer("c0"), "<think>\n", std::vector<std::int32_t>{1});
  EXPECT_EQ(turns.find("key", answer("c0"))->ids.size(), 1U);
}

TEST(TurnStore, AnAnswerLargerThanTheStoreIsNotKept) {
  TurnStore turns(100);
  turns.remember("key", answer("c"), "<think>\n", std::vector<std::int32_t>{1});
  EXPECT_EQ(turns.find("key", answer("c")), nullptr);
  EXPECT_EQ(turns.n_bytes(), 0U);
}

TEST(TurnStore, ServesManyThreads) {
  TurnStore turns(50'000);
  std::vector<std::thread> threads;
  std::atomic<int> n_wrong = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&turns, &n_wrong, t] {
      const std::string scope = std::to_string(t);
      for (std::int32_t i = 0; i < 500; ++i) {
        const Message message = answer(fmt::format("c{}", i % 17));
        turns.remember(scope, message, "<think>\n", std::vector<std::int32_t>{t, i});
        const auto turn = turns.find(scope, message);
        if (turn != nullptr && turn->ids != std::vector<std::int32_t>{t, i}) ++n_wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_wrong, 0);
}

}  // namespace
}  // namespace jevons
