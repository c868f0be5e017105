#include "app/term/answer_printer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace jevons {
namespace {

std::string printed(const AnswerPrinter::Options& options, const std::vector<OutputEvent>& events,
                    const std::string& tool_result = "") {
  char* text = nullptr;
  std::size_t size = 0;
  std::FILE* out = ::open_memstream(&text, &size);
  {
    AnswerPrinter printer(out, options);
    for (const OutputEvent& event : events) {
      printer.show(event);
      if (std::holds_alternative<ToolCallEnd>(event)) printer.show_tool_result(tool_result);
    }
  }
  std::fclose(out);
  std::string result(text, size);
  std::free(text);
  return result;
}

const AnswerPrinter::Options kTerminal{true, true, false};
const AnswerPrinter::Options kHidden{true, true, true};
const AnswerPrinter::Options kUnstyled{true, false, false};
const AnswerPrinter::Options kPipe{false, false, false};

const std::vector<OutputEvent> kAnswer = {ReasoningDelta{"I th"}, ReasoningDelta{"ink."},
                                          TextDelta{"Yes"}, TextDelta{", sir."}};

TEST(AnswerPrinter, ReasoningIsDimAndApart) {
  EXPECT_EQ(printed(kTerminal, kAnswer), "\x1b[2mI think.\x1b[0m\n\nYes, sir.\n");
  EXPECT_EQ(printed(kHidden, kAnswer), "Yes, sir.\n");
  EXPECT_EQ(printed(kUnstyled, kAnswer), "(thinking)\nI think.\n\nYes, sir.\n");
}

TEST(AnswerPrinter, APipeGetsTheTextAlone) {
  EXPECT_EQ(printed(kPipe, kAnswer), "Yes, sir.\n");
  EXPECT_EQ(printed(kPipe, {TextDelta{"a\x1b[31m\n\n"}}), "a\x1b[31m\n\n");  // byte for byte
  EXPECT_EQ(printed(kPipe, {ReasoningDelta{"x"}}), "");
  EXPECT_EQ(
      printed(kPipe,
              {ToolCallBegin{0, "id", "clock"}, ToolArgumentsDelta{0, "{}"}, ToolCallEnd{0, true}},
              "now"),
      "");
}

TEST(AnswerPrinter, ToolCallsAreOneLineEach) {
  EXPECT_EQ(printed(kTerminal,
                    {ReasoningDelta{"hm"}, ToolCallBegin{0, "id", "calculator"},
                     ToolArgumentsDelta{0, "{\"expression\": "}, ToolArgumentsDelta{0, "\"1\"}"},
                     ToolCallEnd{0, true}, ReasoningDelta{"so"}, TextDelta{"1"}},
                    "1"),
            "\x1b[2mhm\n→ calculator {\"expression\": \"1\"}\n← 1\nso\x1b[0m\n\n1\n");
}

TEST(AnswerPrinter, NothingThatAModelWritesControlsTheTerminal) {
  const std::string shown =
      printed(kTerminal,
              {ReasoningDelta{"\x1b[2J"}, TextDelta{"\x1b]52;c;aGk=\x07"},
               ToolCallBegin{0, "id", "\x1b[A"}, ToolArgumentsDelta{0, "{}"}, ToolCallEnd{0, true}},
              "\x1b[H");
  std::string expected_left = shown;
  for (const std::string& ours : {std::string("\x1b[2m"), std::string("\x1b[0m")}) {
    for (std::size_t at; (at = expected_left.find(ours)) != std::string::npos;) {
      expected_left.erase(at, ours.size());
    }
  }
  EXPECT_EQ(expected_left.find('\x1b'), std::string::npos) << expected_left;
  EXPECT_EQ(expected_left.find('\x07'), std::string::npos);
}

TEST(AnswerPrinter, EmptyLinesBeforeTheFirstWordAreLeftOut) {
  EXPECT_EQ(printed(kTerminal, {ReasoningDelta{"x"}, TextDelta{"\n"}, TextDelta{"\ny\n\nz"}}),
            "\x1b[2mx\x1b[0m\n\ny\n\nz\n");
  EXPECT_EQ(printed(kTerminal, {}), "");
}

}  // namespace
}  // namespace jevons
