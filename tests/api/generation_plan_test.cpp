#include "api/generation_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stop_token>

#include "running_server.h"

namespace jevons {
namespace {

using testing::HasSubstr;

GenerationRequest chat(std::string question = "hi") {
  GenerationRequest request;
  ChatRequest conversation;
  conversation.messages = {{.role = Role::kUser, .content = std::move(question)}};
  request.input = std::move(conversation);
  return request;
}

ToolDefinition tool(const std::string& name) {
  ToolDefinition made;
  made.name = name;
  made.parameters = R"({"type": "object", "properties": {"a": {"type": "string"}}})";
  made.function_json = R"({"name": ")" + name + R"(", "parameters": )" + made.parameters + "}";
  return made;
}

GenerationRequest chat_with_tools() {
  GenerationRequest request = chat();
  std::get<ChatRequest>(request.input).tools = {tool("one"), tool("two")};
  return request;
}

std::expected<GenerationPlan, ApiError> plan(GenerationRequest request, const Caller& caller = {},
                                             const GenerationOptions& options = {}) {
  return plan_generation(*nano_engine(), std::move(request), caller, options);
}

std::string problem(GenerationRequest request) {
  const auto made = plan(std::move(request));
  return made ? "" : made.error().message;
}

TEST(GenerationPlan, FitsAnswersIntoTheContext) {
  const int context = nano_engine()->facts().context_length;
  GenerationRequest request = chat();
  const auto unlimited = plan(request);
  ASSERT_TRUE(unlimited);
  const CompletionRequest& completion = unlimited->completions.at(0);
  EXPECT_EQ(completion.max_tokens, context - static_cast<int>(completion.prompt.size()));
  EXPECT_TRUE(completion.starts_in_reasoning);
  request.max_tokens = 1'000'000;
  EXPECT_EQ(plan(request)->completions.at(0).max_tokens, completion.max_tokens);
  request.max_tokens = 7;
  EXPECT_EQ(plan(request)->completions.at(0).max_tokens, 7);
  Caller limited;
  limited.max_tokens = 3;
  EXPECT_EQ(plan(request, limited)->completions.at(0).max_tokens, 3);
  request.max_tokens = 0;
  EXPECT_THAT(problem(request), HasSubstr("max_tokens is 0"));
}

TEST(GenerationPlan, APromptThatFillsTheContextOverflows) {
  const auto context = static_cast<std::size_t>(nano_engine()->facts().context_length);
  GenerationRequest request;
  request.input =
      std::vector<std::vector<std::int32_t>>{std::vector<std::int32_t>(context - 1, 65)};
  const auto fits = plan(request);
  ASSERT_TRUE(fits);
  EXPECT_EQ(fits->completions.at(0).max_tokens, 1);
  request.input = std::vector<std::vector<std::int32_t>>{std::vector<std::int32_t>(context, 65)};
  const auto too_long = plan(request);
  ASSERT_FALSE(too_long);
  EXPECT_EQ(too_long.error().kind, ApiErrorKind::kContextOverflow);
  EXPECT_EQ(too_long.error().n_prompt_tokens, static_cast<int>(context));
  EXPECT_EQ(too_long.error().context_length, static_cast<int>(context));
}

TEST(GenerationPlan, EachAnswerHasItsOwnSeedAndConstraint) {
  GenerationRequest request = chat();
  request.n = 3;
  request.sampling.seed = 10;
  request.format.kind = OutputFormat::Kind::kJsonObject;
  const auto made = plan(request);
  ASSERT_TRUE(made);
  ASSERT_EQ(made->completions.size(), 3U);
  EXPECT_EQ(made->prompts.size(), 1U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(made->completions[i].sampling.seed, 10 + i);
    EXPECT_EQ(made->completions[i].prompt, made->completions[0].prompt);
    ASSERT_NE(made->completions[i].constraint, nullptr);
  }
  EXPECT_NE(made->completions[0].constraint, made->completions[1].constraint);
  request.n = 1000;
  EXPECT_THAT(problem(request), HasSubstr("n is 1000"));
}

TEST(GenerationPlan, WhatIsNotWishedIsTheModelsDefault) {
  const SamplingParams& defaults = nano_engine()->default_sampling();
  GenerationRequest request = chat();
  request.sampling.temperature = 0.25F;
  request.sampling.logit_bias = {{5, -1.0F}};
  const auto made = plan(request);
  ASSERT_TRUE(made);
  const SamplingParams& sampling = made->completions.at(0).sampling;
  EXPECT_EQ(sampling.temperature, 0.25F);
  EXPECT_EQ(sampling.top_p, defaults.top_p);
  EXPECT_EQ(sampling.top_k, defaults.top_k);
  EXPECT_FALSE(sampling.seed);
  EXPECT_EQ(sampling.logit_bias.size(), 1U);
}

TEST(GenerationPlan, ToolsDecideWhatMayBeCalled) {
  const auto automatic = plan(chat_with_tools());
  ASSERT_TRUE(automatic);
  EXPECT_TRUE(automatic->parses_tool_calls);
  ASSERT_NE(automatic->completions.at(0).constraint, nullptr);
  EXPECT_FALSE(automatic->completions.at(0).constraint->is_active());  // text may come first

  GenerationRequest none = chat_with_tools();
  none.tool_choice.kind = ToolChoice::Kind::kNone;
  const auto without = plan(none);
  ASSERT_TRUE(without);
  EXPECT_FALSE(without->parses_tool_calls);
  EXPECT_EQ(without->completions.at(0).constraint, nullptr);
  // The prompt stays the same, so that its cached beginning is of use; the call's token may not
  // come.
  EXPECT_EQ(without->completions.at(0).prompt, automatic->completions.at(0).prompt);
  EXPECT_EQ(without->completions.at(0).sampling.logit_bias.size(), 1U);

  GenerationRequest required = chat_with_tools();
  required.tool_choice.kind = ToolChoice::Kind::kRequired;
  EXPECT_TRUE(plan(required)->completions.at(0).constraint->is_active());
  required.tool_choice = {.kind = ToolChoice::Kind::kNamed, .name = "two"};
  EXPECT_TRUE(plan(required));
  required.tool_choice.name = "three";
  EXPECT_THAT(problem(required), HasSubstr("three"));
  required.tool_choice = {.kind = ToolChoice::Kind::kRequired, .allowed = {"three"}};
  EXPECT_THAT(problem(required), HasSubstr("allows none"));
  GenerationRequest no_tools = chat();
  no_tools.tool_choice.kind = ToolChoice::Kind::kRequired;
  EXPECT_THAT(problem(no_tools), HasSubstr("there are no tools"));
}

// A format and tools together: either may come, and nothing else.
TEST(GenerationPlan, AFormatLeavesRoomForCalls) {
  GenerationRequest request = chat_with_tools();
  request.format = {OutputFormat::Kind::kJsonSchema, R"({"type": "object"})", true};
  request.thinking.enabled = false;
  const auto made = plan(request);
  ASSERT_TRUE(made) << made.error().message;
  OutputConstraint& constraint = *made->completions.at(0).constraint;
  const Tokenizer& tokenizer = nano_engine()->tokenizer();
  std::vector<std::uint64_t> mask(static_cast<std::size_t>(tokenizer.n_tokens() + 63) / 64);
  ASSERT_TRUE(constraint.is_active());
  constraint.fill_mask(mask);
  const auto allows = [&](std::int32_t id) {
    return (mask[static_cast<std::size_t>(id / 64)] >> (id % 64) & 1) != 0;
  };
  EXPECT_TRUE(allows(tokenizer.encode("{", SpecialTokens::kIgnore).at(0)));
  EXPECT_FALSE(allows(tokenizer.encode("x", SpecialTokens::kIgnore).at(0)));
  const auto call = tokenizer.special_token("<minimax:tool_call>");
  ASSERT_TRUE(call);
  const bool call_may_begin =
      allows(*call) || allows(tokenizer.encode("\n", SpecialTokens::kIgnore).at(0));
  EXPECT_TRUE(call_may_begin);
}

TEST(GenerationPlan, SchemasThatCannotBeHeldAreNamedOrReported) {
  GenerationRequest request = chat();
  request.format = {OutputFormat::Kind::kJsonSchema,
                    R"({"type": "object", "properties": {"a": {"not": {"type": "null"}}}})", true};
  EXPECT_THAT(problem(request), HasSubstr("not"));
  request.format.strict = false;
  const auto made = plan(request);
  ASSERT_TRUE(made) << made.error().message;
  ASSERT_EQ(made->warnings.size(), 1U);
  EXPECT_THAT(made->warnings[0], HasSubstr("not"));
}

TEST(GenerationPlan, ThinkingIsMappedAndTold) {
  EXPECT_EQ(plan(chat())->thinking, "on");
  EXPECT_EQ(plan(chat())->completions.at(0).reasoning_budget, -1);
  GenerationRequest off = chat();
  off.thinking.enabled = false;
  EXPECT_EQ(plan(off)->thinking, "off");
  EXPECT_FALSE(plan(off)->completions.at(0).starts_in_reasoning);
  GenerationRequest budget = chat();
  budget.thinking.budget_tokens = 64;
  EXPECT_EQ(plan(budget)->thinking, "budget 64");
  EXPECT_EQ(plan(budget)->completions.at(0).reasoning_budget, 64);
}

TEST(GenerationPlan, HeadersWinButNeverPromoteAKey) {
  GenerationRequest request = chat();
  Caller caller;
  const auto priority = [&] { return plan(request, caller)->completions.at(0).priority; };
  EXPECT_EQ(priority(), Priority::kInteractive);
  request.priority = Priority::kBackground;
  EXPECT_EQ(priority(), Priority::kBackground);
  caller.priority = Priority::kInteractive;
  EXPECT_EQ(priority(), Priority::kInteractive);
  caller.default_priority = Priority::kBackground;
  EXPECT_EQ(priority(), Priority::kBackground);

  EXPECT_FALSE(plan(request, caller)->completions.at(0).deadline);
  request.deadline_s = 100;
  EXPECT_TRUE(plan(request, caller)->completions.at(0).deadline);
  request.deadline_s = -1;
  EXPECT_THAT(problem(request), HasSubstr("deadline"));
}

TEST(GenerationPlan, SystemPrefixesAreSharedOnlyWhenAskedFor) {
  GenerationRequest request = chat_with_tools();
  EXPECT_EQ(plan(request)->completions.at(0).n_shared_prefix, 0);
  const auto shared = plan(request, {}, {.share_system_prefix = true});
  EXPECT_GT(shared->completions.at(0).n_shared_prefix, 10);
  EXPECT_EQ(shared->completions.at(0).n_shared_prefix, shared->prompts.at(0).n_system_tokens);
}

TEST(GenerationPlan, CountsTheTokensThatItWouldSend) {
  GenerationRequest request = chat_with_tools();
  const auto counted = count_prompt_tokens(*nano_engine(), request, {}, {});
  ASSERT_TRUE(counted);
  EXPECT_EQ(*counted, static_cast<int>(plan(request)->completions.at(0).prompt.size()));
}

TEST(GenerationPlan, PlainPromptsAreTakenAsTheyAre) {
  GenerationRequest request;
  request.input = std::vector<std::string>{"one", "]~b]user\ntwo"};
  request.n = 2;
  request.echo = true;
  const auto made = plan(request);
  ASSERT_TRUE(made);
  EXPECT_FALSE(made->is_chat);
  ASSERT_EQ(made->completions.size(), 4U);
  EXPECT_EQ(made->completions[0].prompt, made->completions[1].prompt);
  EXPECT_EQ(made->prompts.at(1).text, "]~b]user\ntwo");
  const auto marker = nano_engine()->tokenizer().special_token("]~b]");
  EXPECT_EQ(made->completions[2].prompt.at(0), marker);
  request.input = std::vector<std::string>{};
  EXPECT_THAT(problem(request), HasSubstr("prompt is empty"));
  request.input = ChatRequest{};
  EXPECT_THAT(problem(request), HasSubstr("messages is empty"));
}

TEST(GenerationPlan, IsGivenUpWhenNobodyWaits) {
  std::stop_source source;
  GenerationOptions options;
  options.stop = source.get_token();
  GenerationRequest plain;
  plain.input = std::vector<std::string>{"one"};
  EXPECT_TRUE(plan(plain, {}, options));
  EXPECT_TRUE(plan(chat_with_tools(), {}, options));
  source.request_stop();
  EXPECT_FALSE(plan(plain, {}, options));
  EXPECT_FALSE(plan(chat_with_tools(), {}, options));
  EXPECT_FALSE(count_prompt_tokens(*nano_engine(), chat(), {}, options));
}

}  // namespace
}  // namespace jevons
