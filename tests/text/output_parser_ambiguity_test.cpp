// Outputs that have more than one reading, because the format escapes nothing, and the reading
// that the parser takes. A change here is a change of behaviour for clients.
#include <gtest/gtest.h>

#include "parsed_output.h"

namespace jevons {
namespace {

std::string parsed(std::string_view output, bool starts_in_reasoning) {
  return described(
      parse_all_cuts(output, test_tools(), {.starts_in_reasoning = starts_in_reasoning}));
}

std::string parsed_parameters(std::string_view tool, std::string_view parameters) {
  return parsed(fmt::format("<minimax:tool_call>\n<invoke name=\"{}\">\n{}\n</invoke>\n"
                            "</minimax:tool_call>",
                            tool, parameters),
                false);
}

TEST(OutputParserAmbiguity, AStringThatContainsItsOwnClosingSequenceIsCut) {
  EXPECT_EQ(parsed_parameters("write_file",
                              "<parameter name=\"content\">a</parameter></invoke>b</parameter>"),
            "B write_file\nA {\"content\": \"a\"}\nE\n"
            "W text between tool calls; delivered as text\nT b</parameter>\n</invoke>\n\n");
  EXPECT_EQ(parsed_parameters("write_file",
                              "<parameter name=\"content\">a</parameter>\n"
                              "<parameter name=\"path\">b</parameter>"),
            "B write_file\nA {\"content\": \"a\", \"path\": \"b\"}\nE\n");
}

TEST(OutputParserAmbiguity, WhatComesAfterAParameterInsteadOfATagBelongsToItsValue) {
  EXPECT_EQ(parsed_parameters("write_file",
                              "<parameter name=\"path\">a</parameter>\nI mean b\n"
                              "<parameter name=\"content\">c</parameter>"),
            "B write_file\nA {\"path\": \"a</parameter>\\nI mean b\\n<parameter "
            "name=\\\"content\\\">c\"}\nE\n");
  // So a call that was not closed takes the next one into its last value.
  EXPECT_EQ(parsed_parameters("write_file",
                              "<parameter name=\"path\">a</parameter>\n"
                              "<invoke name=\"write_file\">\n"
                              "<parameter name=\"path\">b</parameter>"),
            "B write_file\nA {\"path\": \"a</parameter>\\n<invoke name=\\\"write_file\\\">\\n"
            "<parameter name=\\\"path\\\">b\"}\nE\n");
}

TEST(OutputParserAmbiguity, AValueThatNeverEndsTakesAllThatFollows) {
  EXPECT_EQ(parsed("<minimax:tool_call>\n<invoke name=\"write_file\">\n<parameter name=\"path\">a\n"
                   "</invoke>\n</minimax:tool_call>",
                   false),
            "B write_file\nA {\"path\": \"a\\n</invoke>\\n</minimax:tool_call>\"\n"
            "W the output ended inside a tool call\nA }\nE incomplete\n");
}

TEST(OutputParserAmbiguity, AClosingTagInsideReasoningEndsIt) {
  EXPECT_EQ(parsed("I close with </think> now.\n</think>\n\nHi.", true),
            "R I close with \nT  now.\n</think>\n\nHi.\n");
}

TEST(OutputParserAmbiguity, AQuotedCallIsACall) {
  EXPECT_EQ(parsed("Write `<minimax:tool_call>\n<invoke name=\"now\">\n</invoke>\n"
                   "</minimax:tool_call>` to call.",
                   false),
            "T Write `\nB now\nA {}\nE\nT ` to call.\n");
}

TEST(OutputParserAmbiguity, TextThatBeginsWithThinkIsReasoning) {
  EXPECT_EQ(parsed("<think> is the tag.", false), "R  is the tag.\n");
}

TEST(OutputParserAmbiguity, WithoutAStringTypeTextThatReadsAsJsonIsJson) {
  EXPECT_EQ(parsed_parameters("now",
                              "<parameter name=\"a\">42</parameter>"
                              "<parameter name=\"b\">042</parameter>"
                              "<parameter name=\"c\">\"42\"</parameter>"
                              "<parameter name=\"d\"> 42</parameter>"
                              "<parameter name=\"e\">null</parameter>"
                              "<parameter name=\"f\">\n{\"x\": 1}\n</parameter>"),
            "B now\nA {\"a\": 42, \"b\": \"042\", \"c\": \"\\\"42\\\"\", \"d\": \" 42\", "
            "\"e\": null, \"f\": {\"x\": 1}}\nE\n");
}

TEST(OutputParserAmbiguity, NamesEndAtAQuoteBeforeTheTagsEnd) {
  EXPECT_EQ(parsed_parameters("now",
                              "<parameter name=\"a\"b\">1</parameter>"
                              "<parameter name=\"c\">d\">2</parameter>"),
            "B now\nA {\"a\\\"b\": 1, \"c\": \"d\\\">2\"}\nE\n");
  EXPECT_EQ(parsed_parameters("now", "<parameter name=\"a\nb\">1</parameter>"),
            "B now\nW now: text between its parameters; delivered after the call\nA {}\nE\n"
            "T \n<parameter name=\"a\nb\">1</parameter>\n\n");
  const std::string name(513, 'x');
  EXPECT_EQ(parsed_parameters("now", "<parameter name=\"" + name + "\">1</parameter>"),
            "B now\nW now: text between its parameters; delivered after the call\nA {}\nE\n"
            "T \n<parameter name=\"" +
                name + "\">1</parameter>\n\n");
}

}  // namespace
}  // namespace jevons
