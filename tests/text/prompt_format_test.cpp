#include "text/prompt_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace jevons {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string nano_template() { return read(JEVONS_SOURCE_DIR "/training/chat_template.jinja"); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

TEST(PromptFormat, TheIdentityComesFromTheTemplate) {
  const std::string identity = prompt_format_for(nano_template(), "MiniMax-M2.5").default_identity;
  EXPECT_THAT(identity, HasSubstr("Nano"));
  EXPECT_EQ(prompt_format_for(
                R"({% if not model_identity == '' %}{% set model_identity='It\'s "I".\n' %})", "")
                .default_identity,
            "It's \"I\".\n");
}

TEST(PromptFormat, OrFromTheNameOfTheModel) {
  const auto identity = [](std::string_view name) {
    return prompt_format_for("", name).default_identity;
  };
  const std::string m25 =
      "You are a helpful assistant. Your name is MiniMax-M2.5 and is built by MiniMax.";
  EXPECT_EQ(identity("MiniMax-M2.5"), m25);
  EXPECT_EQ(identity("unsloth/minimax_m2.5-GGUF Q4"), m25);
  EXPECT_THAT(identity("MiniMax M2.7"), HasSubstr("MiniMax-M2.7 and"));
  EXPECT_THAT(identity("MINIMAX-M2.1"), HasSubstr("MiniMax-M2.1 and"));
  EXPECT_EQ(identity("MiniMax-M2"), "You are a helpful assistant.");
  EXPECT_EQ(identity(""), "You are a helpful assistant.");
}

TEST(PromptFormat, RecognisesTheM2FormatByItsPieces) {
  EXPECT_EQ(prompt_format_for("", "x").template_match, TemplateMatch::kAbsent);
  const std::string nano = nano_template();
  const PromptFormat format = prompt_format_for(nano, "");
  EXPECT_EQ(format.template_match, TemplateMatch::kM2);
  EXPECT_THAT(format.template_differences, IsEmpty());
  // Comments and whitespace do not matter.
  EXPECT_EQ(prompt_format_for("{# <|im_start|> #}\n\n" + nano, "").template_match,
            TemplateMatch::kM2);
}

TEST(PromptFormat, NamesWhatIsDifferent) {
  const std::string nano = nano_template();
  const PromptFormat without = prompt_format_for(replaced(nano, "]~b]tool", "]~b]function"), "");
  EXPECT_EQ(without.template_match, TemplateMatch::kOther);
  EXPECT_THAT(without.template_differences, Contains("it never writes \"]~b]tool\""));
  const PromptFormat foreign = prompt_format_for(nano + "{{ '<|im_start|>' }}", "");
  EXPECT_EQ(foreign.template_match, TemplateMatch::kOther);
  EXPECT_THAT(foreign.template_differences, Contains(HasSubstr("\"<|\"")));
  const PromptFormat other = prompt_format_for("{{ '<|im_start|>' + messages[0].content }}", "");
  EXPECT_EQ(other.template_match, TemplateMatch::kOther);
}

TEST(PromptFormat, ASwitchForThinkingIsReportedAndStillM2) {
  const PromptFormat format =
      prompt_format_for(nano_template() + "{% if enable_thinking %}{% endif %}", "");
  EXPECT_EQ(format.template_match, TemplateMatch::kM2);
  EXPECT_THAT(format.template_differences, Contains(HasSubstr("enable_thinking")));
}

TEST(PromptFormat, TheModelsOwnTemplatesAreRecognised) {
  const std::string folder = JEVONS_SOURCE_DIR "/../shared/data/";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "reference templates are not there";
  for (const char* name : {"chat_template.minimax-m2.5.reconstructed.jinja",
                           "chat_template.minimax-m2.llama.cpp.jinja"}) {
    const PromptFormat format = prompt_format_for(read(folder + name), "");
    EXPECT_EQ(format.template_match, TemplateMatch::kM2) << name;
    EXPECT_THAT(format.template_differences, IsEmpty()) << name;
    EXPECT_THAT(format.default_identity, HasSubstr("You are a helpful assistant."));
  }
}

}  // namespace
}  // namespace jevons
