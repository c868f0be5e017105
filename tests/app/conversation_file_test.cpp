#include "app/conversation_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/atomic_file.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ConversationFile : public testing::Test {
 protected:
  ~ConversationFile() override { std::filesystem::remove(path_); }
  const std::string path_ =
      testing::TempDir() + std::to_string(::getpid()) + "jevons-conversation-test.json";
};

Message message(Role role, const std::string& text) {
  Message m;
  m.role = role;
  m.content = text;
  return m;
}

TEST_F(ConversationFile, ComesBackAsItWas) {
  std::vector<Message> messages = {
      message(Role::kSystem, "Be brief."), message(Role::kUser, "What is 2+2?\nAnd \"3\"? 日本 🙂"),
      message(Role::kAssistant, ""), message(Role::kTool, "4"), message(Role::kAssistant, "4.")};
  messages[2].reasoning = "I use the tool.";
  messages[2].tool_calls = {{"call_1", "calculator", R"({"expression":"2+2"})"}};
  messages[3].tool_call_id = "call_1";
  messages[4].reasoning = "";
  ASSERT_TRUE(save_conversation(path_, messages, "Nano"));
  const auto loaded = load_conversation(path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(*loaded, messages);
}

TEST_F(ConversationFile, AnyMessagesAreRead) {
  ASSERT_TRUE(write_file_atomically(path_, R"({"messages": [{"role": "user", "content": "hi"}]})"));
  EXPECT_EQ(load_conversation(path_)->at(0).content.joined(), "hi");
}

TEST_F(ConversationFile, ErrorsNameTheFileAndThePlace) {
  EXPECT_THAT(load_conversation("/nonexistent/x").error().message,
              AllOf(HasSubstr("/nonexistent/x"), HasSubstr("No such file")));
  EXPECT_THAT(save_conversation("/nonexistent/x", {}, "").error().message,
              HasSubstr("/nonexistent/x"));
  ASSERT_TRUE(write_file_atomically(path_, "not json"));
  EXPECT_THAT(load_conversation(path_).error().message,
              AllOf(HasSubstr(path_), HasSubstr("is not a conversation")));
  ASSERT_TRUE(write_file_atomically(path_, R"({"messages": [{"role": "wizard"}]})"));
  EXPECT_THAT(load_conversation(path_).error().message,
              AllOf(HasSubstr(path_), HasSubstr("messages[0]")));
}

TEST(ExpandHome, OnlyTheTildeAtTheStart) {
  ::setenv("HOME", "/somewhere", 1);
  EXPECT_EQ(expand_home("~/a"), "/somewhere/a");
  EXPECT_EQ(expand_home("a/~/b"), "a/~/b");
  EXPECT_EQ(expand_home("~a"), "~a");
}

}  // namespace
}  // namespace jevons
