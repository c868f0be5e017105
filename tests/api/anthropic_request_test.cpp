// Requests as real clients send them (tests/data/api/anthropic/NAME.json) and what is understood of
// them (NAME.txt).
#include <gtest/gtest.h>

#include <string>

#include "api/dialect.h"
#include "tests/api/golden_file.h"
#include "tests/api/request_dump.h"
#include "text/prompt.h"

namespace jevons {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(JEVONS_SOURCE_DIR) / "tests/data/api/anthropic";

std::expected<GenerationRequest, ApiError> parse(std::string_view body,
                                                 std::string_view target = "/v1/messages") {
  return make_anthropic_messages()->parse({.body = body, .target = target, .key_name = {}});
}

std::string prompt_of(const GenerationRequest& request) {
  const auto pieces = render_prompt(std::get<ChatRequest>(request.input), PromptFormat{});
  EXPECT_TRUE(pieces) << pieces.error().message;
  return pieces ? prompt_text(*pieces) : "";
}

TEST(AnthropicRequest, IsUnderstoodAsWrittenDown) {
  const auto files = files_of(kFolder, ".json");
  ASSERT_GE(files.size(), 7U);
  for (const auto& file : files) {
    const auto request = parse(read_file(file));
    ASSERT_TRUE(request) << file << ": " << request.error().message;
    auto expected = file;
    expected.replace_extension(".txt");
    EXPECT_EQ(dump_request(*request), read_file(expected)) << file;
    EXPECT_NE(prompt_of(*request), "");
  }
}

TEST(AnthropicRequest, ConversationThatGoesOnBeginsWithItsOldPrompt) {
  const std::string first = prompt_of(parse(read_file(kFolder / "claude_code_first.json")).value());
  const std::string second =
      prompt_of(parse(read_file(kFolder / "claude_code_second.json")).value());
  EXPECT_TRUE(second.starts_with(first)) << first << "\n--- and then\n" << second;
  // The reasoning came back in a signature alone.
  EXPECT_NE(second.find("<think>\nThe user wants a greeting.\n</think>\n\nI will run it."),
            std::string::npos)
      << second;
}

TEST(AnthropicRequest, CacheMarkersChangeNothing) {
  std::string body = read_file(kFolder / "claude_code_first.json");
  const std::string marked = prompt_of(parse(body).value());
  const std::string marker = R"(, "cache_control": {"type": "ephemeral"})";
  std::size_t n_markers = 0;
  for (auto at = body.find(marker); at != std::string::npos; at = body.find(marker)) {
    body.erase(at, marker.size());
    ++n_markers;
  }
  EXPECT_EQ(n_markers, 3U);
  EXPECT_EQ(prompt_of(parse(body).value()), marked);
}

TEST(AnthropicRequest, CountingNeedsNoMaxTokens) {
  const std::string body = R"({"model": "m", "messages": [{"role": "user", "content": "hi"}]})";
  ASSERT_FALSE(parse(body));
  EXPECT_EQ(parse(body).error().param, "max_tokens");
  EXPECT_FALSE(parse(body, "/v1/messages?beta=true"));
  EXPECT_TRUE(parse(body, "/v1/messages/count_tokens"));
  EXPECT_TRUE(parse(body, "/v1/messages/count_tokens?beta=true"));
}

TEST(AnthropicRequest, ResultsStandInTheOrderOfTheCalls) {
  const auto request = parse(read_file(kFolder / "openclaw.json"));
  ASSERT_TRUE(request);
  EXPECT_NE(prompt_of(*request).find("]~b]tool\n<response>Error: no such clock</response>\n"
                                     "<response>1 job\n07:00 water</response>[e~[\n"
                                     "]~b]user\nNever mind the clock.\n"),
            std::string::npos)
      << prompt_of(*request);
}

TEST(AnthropicRequest, MissingResultKeepsItsPlace) {
  const auto request = parse(R"({"max_tokens": 9, "messages": [
      {"role": "assistant", "content": [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {}}]},
      {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "b", "content": "B"}]}]})");
  ASSERT_TRUE(request) << request.error().message;
  const auto& chat = std::get<ChatRequest>(request->input);
  ASSERT_EQ(chat.messages.size(), 3U);
  EXPECT_EQ(chat.messages[1].content.joined(), "(no result)");
  EXPECT_EQ(chat.messages[2].content.joined(), "B");
  EXPECT_EQ(chat.warnings.size(), 1U);
}

TEST(AnthropicRequest, ResultThatIsMissingBehindTheOnlyOneIsWarnedOf) {
  const auto request = parse(R"({"max_tokens": 9, "messages": [
      {"role": "assistant", "content": [
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
        {"type": "tool_use", "id": "b", "name": "f", "input": {}}]},
      {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "a", "content": "A"}]}]})");
  ASSERT_TRUE(request) << request.error().message;
  const auto& chat = std::get<ChatRequest>(request->input);
  ASSERT_EQ(chat.warnings.size(), 1U);
  EXPECT_NE(chat.warnings[0].find("messages[1].content[0]"), std::string::npos) << chat.warnings[0];
}

TEST(AnthropicRequest, ToolThatIsAddedAgainTypesItsArgumentsAnew) {
  const auto request = parse(R"({"max_tokens": 9,
      "tools": [{"name": "f", "input_schema": {"properties": {"a": {"type": "string"}}}}],
      "messages": [{"role": "user", "content": "q"}, {"role": "system", "content": [
        {"type": "tool_removal", "tool": {"type": "tool_reference", "name": "f"}},
        {"type": "tool_addition", "tool": {"type": "tool_definition", "definition":
          {"name": "f", "input_schema": {"properties": {"a": {"type": "integer"}}}}}},
        {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "f"}}]}]})");
  ASSERT_TRUE(request) << request.error().message;
  const auto& chat = std::get<ChatRequest>(request->input);
  ASSERT_EQ(chat.tools.size(), 1U);
  EXPECT_NE(chat.tools[0].parameters.find("integer"), std::string::npos);
  EXPECT_NE(chat.tools[0].function_json.find("string"), std::string::npos);
  const std::string told = chat.messages[1].content.joined();
  EXPECT_TRUE(told.starts_with("The tool f is gone: do not call it.\n")) << told;
  EXPECT_NE(told.find("integer"), std::string::npos) << told;
  EXPECT_TRUE(told.ends_with("\nThe tool f can be called again.")) << told;
}

TEST(AnthropicRequest, StringAndBlocksAreTheSame) {
  const auto text = parse(R"({"max_tokens": 9, "system": "S", "messages": [
      {"role": "user", "content": "q"},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "B"}]},
      {"role": "system", "content": "late"}]})");
  const auto blocks = parse(R"({"max_tokens": 9,
      "system": [{"type": "text", "text": "S"}], "messages": [
      {"role": "user", "content": [{"type": "text", "text": "q"}]},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a",
        "content": [{"type": "text", "text": "B"}]}]},
      {"role": "system", "content": [{"type": "text", "text": "late"}]}]})");
  ASSERT_TRUE(text && blocks);
  EXPECT_EQ(prompt_of(*text), prompt_of(*blocks));
}

}  // namespace
}  // namespace jevons
