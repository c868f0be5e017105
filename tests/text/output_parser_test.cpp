#include "text/output_parser.h"

#include <gtest/gtest.h>

#include <set>

#include "parsed_output.h"

namespace jevons {
namespace {

std::string parsed(std::string_view output, bool starts_in_reasoning = true) {
  OutputParserOptions options;
  options.starts_in_reasoning = starts_in_reasoning;
  return described(parse_all_cuts(output, test_tools(), options));
}

/// The output of one call without reasoning.
std::string parsed_call(std::string_view inside_block) {
  return parsed("<minimax:tool_call>\n" + std::string(inside_block) + "\n</minimax:tool_call>",
                false);
}

TEST(OutputParser, ReasoningThenText) {
  EXPECT_EQ(parsed("Let me see.\n</think>\n\nHi."), "R Let me see.\nT Hi.\n");
  EXPECT_EQ(parsed("one\n\ntwo</think>three"), "R one\n\ntwo\nT three\n");
  EXPECT_EQ(parsed("\n</think>\n\nHi."), "T Hi.\n");
  EXPECT_EQ(parsed("</think>Hi."), "T Hi.\n");
  EXPECT_EQ(parsed("never ends\n"), "R never ends\n\n");
  EXPECT_EQ(parsed(""), "");
}

TEST(OutputParser, ExactlyTheNewlinesOfTheFormatAreRemoved) {
  EXPECT_EQ(parsed("r\n\n</think>\n\n\nt\n"), "R r\n\nT \nt\n\n");
}

TEST(OutputParser, ALeadingThinkTagIsAccepted) {
  EXPECT_EQ(parsed("<think>\nr\n</think>\n\nt", true), "R r\nT t\n");
  EXPECT_EQ(parsed("<think>\nr\n</think>\n\nt", false), "R r\nT t\n");
  EXPECT_EQ(parsed("\n <think>r</think>t", false), "R r\nT t\n");
  EXPECT_EQ(parsed("t <think>r</think>t", false), "T t <think>r</think>t\n");
  EXPECT_EQ(parsed("\n<thin", true), "R \n<thin\n");
}

TEST(OutputParser, TheTailOfThePromptDecidesWhereTheAnswerBegins) {
  EXPECT_TRUE(prompt_ends_in_reasoning("]~b]ai\n<think>\n"));
  EXPECT_TRUE(prompt_ends_in_reasoning("<think>"));
  EXPECT_FALSE(prompt_ends_in_reasoning("<think>\nx"));
  EXPECT_FALSE(prompt_ends_in_reasoning("]~b]ai\n<think>\n\n</think>\n\n"));
  EXPECT_FALSE(prompt_ends_in_reasoning("]~b]ai\n"));
  EXPECT_FALSE(prompt_ends_in_reasoning(""));
}

TEST(OutputParser, ACanonicalCall) {
  EXPECT_EQ(parsed("r\n</think>\n\n\n<minimax:tool_call>\n<invoke name=\"set\">\n"
                   "<parameter name=\"s\">Paris</parameter>\n<parameter name=\"i\">2</parameter>\n"
                   "</invoke>\n</minimax:tool_call>"),
            "R r\nB set\nA {\"s\": \"Paris\", \"i\": 2}\nE\n");
}

TEST(OutputParser, SeveralCallsInABlockAndSeveralBlocks) {
  EXPECT_EQ(parsed("I look.\n<minimax:tool_call>\n<invoke name=\"now\">\n</invoke>\n"
                   "<invoke name='set'><parameter name=s>a</parameter></invoke>"
                   "</minimax:tool_call>\n\n<minimax:tool_call><invoke name=now></invoke>\n"
                   "</minimax:tool_call>\n",
                   false),
            "T I look.\nB now\nA {}\nE\nB set\nA {\"s\": \"a\"}\nE\nB now\nA {}\nE\n");
}

TEST(OutputParser, IdsAreDistinctAndRepeatable) {
  const auto ids = [](std::uint64_t seed) {
    OutputParserOptions options;
    options.call_id_prefix = "toolu_";
    options.call_id_seed = seed;
    std::vector<std::string> found;
    const std::string block =
        "<minimax:tool_call><invoke name=\"now\"></invoke><invoke name=\"now\"></invoke>";
    for (const auto& event : parse_pieces({block}, test_tools(), options)) {
      if (const auto* begin = std::get_if<ToolCallBegin>(&event)) {
        EXPECT_EQ(begin->index, found.size());
        found.push_back(begin->id);
      }
    }
    return found;
  };
  const auto first = ids(1);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(first[0].size(), 6U + 24U);
  EXPECT_TRUE(first[0].starts_with("toolu_"));
  EXPECT_EQ(ids(1), first);
  std::set<std::string> all(first.begin(), first.end());
  for (std::uint64_t seed = 2; seed < 100; ++seed) {
    for (const std::string& id : ids(seed)) EXPECT_TRUE(all.insert(id).second);
  }
}

TEST(OutputParser, ValuesKeepEveryCharacter) {
  EXPECT_EQ(
      parsed_call("<invoke name=\"write_file\">\n<parameter name=\"path\"> a\tb \n</parameter>"
                  "<parameter name=\"content\">\n<b>\"x\" \\ </b>\n</parameter></invoke>"),
      "B write_file\nA {\"path\": \" a\\tb \\n\", "
      "\"content\": \"\\n<b>\\\"x\\\" \\\\ </b>\\n\"}\nE\n");
}

TEST(OutputParser, AClosingTagInsideAValueStaysThere) {
  EXPECT_EQ(parsed_call("<invoke name=\"write_file\"><parameter name=\"content\">"
                        "<a></parameter> <parameter name=\"other\">1</parameter></a>"
                        "</parameter>\n</invoke>"),
            "B write_file\nA {\"content\": \"<a></parameter> <parameter name=\\\"other\\\">1"
            "</parameter></a>\"}\nE\n");
  // It takes a parameter that the schema knows.
  EXPECT_EQ(parsed_call("<invoke name=\"write_file\"><parameter name=\"content\">"
                        "<a></parameter> <parameter name=\"path\">1</parameter></invoke>"),
            "B write_file\nA {\"content\": \"<a>\", \"path\": \"1\"}\nE\n");
  // Long whitespace is no gap between tags.
  const std::string gap(257, ' ');
  EXPECT_EQ(parsed_call("<invoke name=\"write_file\"><parameter name=\"path\">a</parameter>" + gap +
                        "</invoke></parameter></invoke>"),
            "B write_file\nA {\"path\": \"a</parameter>" + gap + "</invoke>\"}\nE\n");
}

TEST(OutputParser, WithoutASchemaAnyParameterCloses) {
  EXPECT_EQ(parsed_call("<invoke name=\"now\"><parameter name=\"x\">a</parameter>"
                        "<parameter name=\"y\">[1,  2]</parameter></invoke>"),
            "B now\nA {\"x\": \"a\", \"y\": [1,  2]}\nE\n");
}

TEST(OutputParser, StringsAreStreamedWhileTheyArrive) {
  OutputParser parser(test_tools(), {.starts_in_reasoning = false});
  (void)parser.push("<minimax:tool_call>\n<invoke name=\"write_file\">\n<parameter name=\"path\">");
  EXPECT_EQ(described(parser.push("abc\n")), "A abc\\n\n");
  EXPECT_EQ(described(parser.push("def</para")), "A def\n");
  EXPECT_EQ(described(parser.push("graph>")), "A </paragraph>\n");
  EXPECT_EQ(described(parser.push("x</parameter>\n")), "A x\n");
  EXPECT_EQ(described(parser.push("</invoke>")), "A \"}\nE\n");
}

TEST(OutputParser, TheNameComesBeforeTheArguments) {
  OutputParser parser(test_tools(), {.starts_in_reasoning = false});
  EXPECT_EQ(described(parser.push("Hi.\n<minimax:tool_call>\n<invoke name=\"now")), "T Hi.\n");
  EXPECT_EQ(described(parser.push("\">")), "B now\n");
}

TEST(OutputParser, ARepeatedParameterIsDeliveredAsText) {
  EXPECT_EQ(parsed_call("<invoke name=\"set\">\n<parameter name=\"s\">a</parameter>\n"
                        "<parameter name=\"s\">b</parameter>\n<parameter name=\"i\">1</parameter>\n"
                        "</invoke>"),
            "B set\nA {\"s\": \"a\"\nW set: parameter \"s\" came twice; the second is delivered as "
            "text\nA , \"i\": 1}\nE\nT <parameter name=\"s\">b</parameter>\n");
}

TEST(OutputParser, AToolThatWasNotOfferedIsStillACall) {
  EXPECT_EQ(parsed_call("<invoke name=\"rm\"><parameter name=\"x\">1</parameter></invoke>"),
            "B rm\nW tool \"rm\" was not offered\nA {\"x\": 1}\nE\n");
}

TEST(OutputParser, AParameterThatIsNotInTheSchemaIsKept) {
  EXPECT_EQ(
      parsed_call("<invoke name=\"write_file\"><parameter name=\"mode\">7</parameter></invoke>"),
      "B write_file\nW parameter \"mode\" is not in the tool's schema\nA {\"mode\": 7}\nE\n");
}

TEST(OutputParser, AValueOfAnotherTypeIsDeliveredAsAString) {
  EXPECT_EQ(parsed_call("<invoke name=\"set\"><parameter name=\"i\">two</parameter></invoke>"),
            "B set\nA {\"i\": \nW set: the value of \"i\" is not of the type that its schema asks "
            "for; delivered as a string\nA \"two\"}\nE\n");
}

TEST(OutputParser, ACallInsideReasoningEndsIt) {
  EXPECT_EQ(parsed("I call\n<minimax:tool_call>\n<invoke name=\"now\">\n</invoke>\n"
                   "</minimax:tool_call>\n</think>\n\nDone."),
            "R I call\nB now\nA {}\nE\nT Done.\n");
}

TEST(OutputParser, AMentionOfTheMarkerStaysWhereItIs) {
  const std::string warning = "W <minimax:tool_call> is not followed by a call; taken as text\n";
  EXPECT_EQ(parsed("Use <minimax:tool_call> here.\n</think>\n\nOk."),
            "R Use \n" + warning + "R <minimax:tool_call> here.\nT Ok.\n");
  EXPECT_EQ(parsed("a\n<minimax:tool_call>{\"name\": 1}</minimax:tool_call>", false),
            "T a\n\n" + warning + "T <minimax:tool_call>{\"name\": 1}</minimax:tool_call>\n");
  EXPECT_EQ(parsed("<minimax:tool_call>\n<invoke name=\"no", false),
            warning + "T <minimax:tool_call>\n<invoke name=\"no\n");
}

TEST(OutputParser, StrayTextInABlockIsDelivered) {
  EXPECT_EQ(parsed_call("<invoke name=\"now\"></invoke>\n and then \n<invoke name=\"now\">"
                        "</invoke>"),
            "B now\nA {}\nE\nW text between tool calls; delivered as text\nT \n and then \n\n"
            "B now\nA {}\nE\n");
  EXPECT_EQ(parsed_call("<invoke name=\"now\"></invoke> <x> </invoke>"),
            "B now\nA {}\nE\nW text between tool calls; delivered as text\nT  <x> </invoke>\n\n");
  EXPECT_EQ(parsed_call("<invoke name=\"set\">\nfoo <bar><parameter name=\"s\">a</parameter>"
                        "</invoke>"),
            "B set\nW set: text between its parameters; delivered after the call\n"
            "A {\"s\": \"a\"}\nE\nT \nfoo <bar>\n");
}

TEST(OutputParser, LongWhitespaceBetweenTagsIsStrayText) {
  const std::string gap(300, ' ');
  EXPECT_EQ(parsed_call("<invoke name=\"now\"></invoke>" + gap + "<invoke name=\"now\">" + gap +
                        "<parameter name=\"a\">1</parameter></invoke>"),
            "B now\nA {}\nE\nW text between tool calls; delivered as text\nT " + gap +
                "\nB now\nW now: text between its parameters; delivered after the call\n"
                "A {\"a\": 1}\nE\nT " +
                gap + "\n");
}

TEST(OutputParser, ANestedInvokeClosesTheOpenOne) {
  EXPECT_EQ(parsed_call("<invoke name=\"set\">\n<invoke name=\"now\">\n</invoke>"),
            "B set\nW a tool call was not closed with </invoke>\nA {}\nE\nB now\nA {}\nE\n");
}

TEST(OutputParser, TheEndOfTheBlockClosesACall) {
  EXPECT_EQ(parsed_call("<invoke name=\"now\">"),
            "B now\nW a tool call was not closed with </invoke>\nA {}\nE\n");
  EXPECT_EQ(parsed_call("<invoke name=\"set\"><parameter name=\"s\">a</parameter>"),
            "B set\nA {\"s\": \"a\"\nW a tool call was not closed with </invoke>\nA }\nE\n");
}

TEST(OutputParser, OutputThatEndsInsideACall) {
  const std::string ended = "W the output ended inside a tool call\n";
  const auto cut_call = [](std::string_view text) {
    return parsed("<minimax:tool_call>\n" + std::string(text), false);
  };
  EXPECT_EQ(cut_call("<invoke name=\"now\">\n"), "B now\n" + ended + "A {}\nE incomplete\n");
  EXPECT_EQ(cut_call("<invoke name=\"set\">\n<parameter name=\"s\">ab</par"),
            "B set\nA {\"s\": \"ab</par\"\n" + ended + "A }\nE incomplete\n");
  EXPECT_EQ(cut_call("<invoke name=\"set\">\n<parameter name=\"i\">12"),
            "B set\nA {\"i\": \"12\"\n" + ended + "A }\nE incomplete\n");
  EXPECT_EQ(cut_call("<invoke name=\"set\">\n<parameter name=\"i\">12</parameter>\n</inv"),
            "B set\nA {\"i\": 12\nW set: text between its parameters; delivered after the call\n" +
                ended + "A }\nE incomplete\nT \n</inv\n");
  EXPECT_EQ(cut_call("<invoke name=\"now\">\n</invoke>\n"),
            "B now\nA {}\nE\nW the output ended before </minimax:tool_call>\n");
}

TEST(OutputParser, TextAfterABlockIsKept) {
  EXPECT_EQ(parsed_call("<invoke name=\"now\"></invoke>\n</minimax:tool_call>\n\nBye.\n<"),
            "B now\nA {}\nE\nT \n\nBye.\n<\n</minimax:tool_call>\n");
}

TEST(OutputParser, ToolCallsCanBeSwitchedOff) {
  const std::string output = "a\n<minimax:tool_call>\n<invoke name=\"now\">";
  OutputParserOptions options;
  options.starts_in_reasoning = false;
  options.parse_tool_calls = false;
  EXPECT_EQ(described(parse_all_cuts(output, test_tools(), options)), "T " + output + "\n");
}

TEST(OutputParser, BytesThatAreNotUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(parsed("\xf0\x9f\x98\x80 \xff \xe2\x82", false), "T \U0001F600 \uFFFD \uFFFD\n");
}

TEST(OutputParser, AMegabyteOfArgument) {
  std::string value;
  while (value.size() < (1U << 20))
    value += "<</parameter>\n<parameter name=\"x\">\n </parameter> ";
  const std::string output =
      "<minimax:tool_call>\n<invoke name=\"write_file\">\n"
      "<parameter name=\"content\">" +
      value + "</parameter>\n</invoke>\n</minimax:tool_call>";
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < output.size(); ++i) {
    bytes.push_back(std::string_view(output).substr(i, 1));
  }
  const OutputParserOptions options{.starts_in_reasoning = false};
  const auto whole = parse_pieces({output}, test_tools(), options);
  EXPECT_EQ(parse_pieces(bytes, test_tools(), options), whole);
  Message message = new_assistant_message();
  for (const auto& event : whole) append_event(message, event);
  ASSERT_EQ(message.tool_calls.size(), 1U);
  EXPECT_GT(message.tool_calls[0].arguments.size(), value.size());
}

}  // namespace
}  // namespace jevons
