#include "app/term/terminal.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/utf8.h"

namespace jevons {
namespace {

class Terminal : public testing::Test {
 protected:
  void SetUp() override { use_utf8_locale(); }
};

TEST_F(Terminal, WidthCountsColumns) {
  EXPECT_EQ(display_width(""), 0);
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width("e\u0301"), 1);  // a combining accent
  EXPECT_EQ(display_width("🙂"), 2);
}

TEST_F(Terminal, FittingCutsAtColumns) {
  EXPECT_EQ(fit_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(fit_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(fit_to_width("日本語", 5), "日本…");
  EXPECT_EQ(fit_to_width("日本語", 4), "日…");
  EXPECT_EQ(fit_to_width("abc", 1), "…");
  EXPECT_EQ(fit_to_width("abc", 0), "");
  EXPECT_EQ(fit_to_width("abc", -1), "");
}

TEST_F(Terminal, HarmlessTextShowsControlsAsPictures) {
  EXPECT_EQ(harmless_text("plain\ttext\n日本 é"), "plain\ttext\n日本 é");
  EXPECT_EQ(harmless_text("\x1b]0;title\x07"), "␛]0;title␇");
  EXPECT_EQ(harmless_text("a\rb\bc\x7f"), "a␍b␈c␡");
  EXPECT_EQ(harmless_text(std::string("\0", 1)), "␀");
  EXPECT_EQ(harmless_text("\u009b31m"), "\uFFFD31m");    // the one-character CSI
  EXPECT_EQ(harmless_text("\u202Eevil"), "\uFFFDevil");  // right-to-left override
  EXPECT_EQ(harmless_text("\xff"), "\uFFFD");
}

TEST_F(Terminal, NoBytesGetPastHarmlessText) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += static_cast<char>(random() % 256);
    const std::string shown = harmless_text(text);
    ASSERT_TRUE(utf8_is_valid(shown));
    for (const char c : shown) {
      ASSERT_FALSE((c >= 0 && c < 0x20 && c != '\n' && c != '\t') || c == 0x7f);
    }
    ASSERT_EQ(shown.find("\xC2\x9B"), std::string::npos);
    ASSERT_EQ(harmless_text(shown), shown);
  }
}

}  // namespace
}  // namespace jevons
