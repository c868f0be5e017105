#include "app/term/bars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/term/terminal.h"

namespace jevons {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::Le;

std::vector<int> widths(const std::string& text) {
  std::vector<int> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) found.push_back(display_width(line));
  return found;
}

TEST(Bars, AreAsLongAsTheirValuesAndFit) {
  use_utf8_locale();
  const std::vector<TextBar> bars = {
      {"half", 5, "5"}, {"whole", 10, "10"}, {"tiny", 0.001, "0"}, {"none", 0, "never"}};
  EXPECT_EQ(text_bars(bars, 27, false),
            "half   ####### 5\nwhole  ############## 10\ntiny   # 0\nnone   never\n");
  EXPECT_EQ(text_bars({{"a", 3, "3"}, {"b", 8, "8"}}, 13, true), "a  ███ 3\nb  ████████ 8\n");
  EXPECT_EQ(text_bars({{"a", 1, "1"}, {"b", 16, "16"}}, 14, true), "a  ▌ 1\nb  ████████ 16\n");
  const std::vector<TextBar> wide = {{std::string(200, 'x'), 1e9, "1,000,000,000"}};
  for (const bool utf8 : {false, true})
    EXPECT_THAT(widths(text_bars(wide, 80, utf8)), Each(Le(80)));
  EXPECT_EQ(text_bars({}, 80, false), "");
}

TEST(Bars, AScatterHasEveryPointInItsFrame) {
  use_utf8_locale();
  const std::string text =
      text_scatter({{0.42, 73.1, 'a'}, {25, 80.9, 'b'}, {1.2, 69.4, 'c'}, {25, 80.9, 'd'}}, "price",
                   "score", 80);
  EXPECT_THAT(widths(text), Each(Le(80)));
  for (const char* part : {"a", "c", "*", "0.42", "25", "80.9", "69.4", "price", "score"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text_scatter({{3, 3, 'x'}}, "", "", 80), HasSubstr("x"));
  EXPECT_EQ(text_scatter({}, "price", "score", 80), "");
}

TEST(Bars, WordsAreWrappedAndKeepTheirFirstBlanks) {
  use_utf8_locale();
  EXPECT_EQ(wrapped("one two three", 7), "one two\nthree\n");
  EXPECT_EQ(wrapped("  - one two three", 9, 4), "  - one\n    two\n    three\n");
  EXPECT_EQ(wrapped("unbreakable", 5), "unbreakable\n");
  EXPECT_EQ(wrapped("", 5), "\n");
}

}  // namespace
}  // namespace jevons
