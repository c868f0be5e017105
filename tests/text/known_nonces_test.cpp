#include "text/known_nonces.h"

#include <gtest/gtest.h>

#include "text/prompt.h"

namespace jevons {
namespace {

const std::string kHeader =
    "x-anthropic-billing-header: cc_version=2.1.330.a1f; cc_entrypoint=cli;";

std::string system_turn(const ChatRequest& request, const PromptOptions& options = {}) {
  const auto placed = render_placed_prompt(request, PromptFormat{}, options);
  return prompt_text(placed->pieces).substr(0, placed->places.system_end);
}

TEST(KnownNonces, ABlockOfItsOwnGoes) {
  ChatRequest request;
  request.messages = {{.role = Role::kSystem,
                       .content = Content(std::vector<std::string>{kHeader, "You are C.", ""})}};
  ChatRequest without;
  without.messages = {
      {.role = Role::kSystem, .content = Content(std::vector<std::string>{"You are C.", ""})}};
  EXPECT_EQ(system_turn(request), system_turn(without));
  EXPECT_NE(system_turn(request, {.known_nonces = true}), system_turn(without));
}

TEST(KnownNonces, ALineBeforeTheTextGoes) {
  EXPECT_EQ(without_known_nonces(kHeader + "\n\nYou are C.\n"), Content("You are C.\n"));
  EXPECT_EQ(without_known_nonces(kHeader + "\r\n" + kHeader + "\nYou"), Content("You"));
  EXPECT_EQ(without_known_nonces(kHeader + "\n"), Content());
  EXPECT_EQ(without_known_nonces(kHeader), Content());
}

TEST(KnownNonces, TextThatSpeaksOfThemStays) {
  for (const std::string& text : {"Never write\n" + kHeader, " " + kHeader,
                                  std::string("x-anthropic-billing"), std::string()}) {
    EXPECT_EQ(without_known_nonces(text), Content(text));
  }
  ChatRequest request;
  request.messages = {{.role = Role::kUser, .content = kHeader}};
  const std::string prompt = prompt_text(*render_prompt(request, PromptFormat{}));
  EXPECT_NE(prompt.find(kHeader), std::string::npos);
}

TEST(KnownNonces, NothingElseLeavesTheDefaultIdentity) {
  ChatRequest request;
  request.messages = {{.role = Role::kSystem, .content = kHeader}};
  EXPECT_EQ(system_turn(request), system_turn(ChatRequest{}));
}

}  // namespace
}  // namespace jevons
