#include "text/pre_tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "random_text.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> pieces(std::string_view text, bool allow_jit = true) {
  auto pre_tokenizer = PreTokenizer::create("minimax-m2", allow_jit);
  EXPECT_TRUE(pre_tokenizer.has_value());
  PieceReader reader(*pre_tokenizer);
  reader.start(text);
  std::vector<std::string> result;
  for (auto piece = reader.next(); !piece.empty(); piece = reader.next()) {
    result.emplace_back(piece);
  }
  return result;
}

TEST(PreTokenizer, WordsTakeTheirSpaceAndEnding) {
  EXPECT_THAT(pieces("Hello, world!"), ElementsAre("Hello", ",", " world", "!"));
  EXPECT_THAT(pieces("I'm WE'RE it\u2019s"), ElementsAre("I'm", " WE'RE", " it", "\u2019s"));
  EXPECT_THAT(pieces("XMLHttpRequest"), ElementsAre("XMLHttp", "Request"));
  EXPECT_THAT(pieces("snake_case"), ElementsAre("snake", "_case"));
  EXPECT_THAT(pieces("1234567"), ElementsAre("123", "456", "7"));
  EXPECT_THAT(pieces("a/b//\n\nc"), ElementsAre("a", "/b", "//\n\n", "c"));
  EXPECT_TRUE(pieces("").empty());
}

TEST(PreTokenizer, SpaceBeforeAWordBelongsToIt) {
  EXPECT_THAT(pieces("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(pieces("a  \n  b"), ElementsAre("a", "  \n", " ", " b"));
  EXPECT_THAT(pieces("a  "), ElementsAre("a", "  "));
  EXPECT_THAT(pieces("\r\n\r\n1"), ElementsAre("\r\n\r\n", "1"));
}

TEST(PreTokenizer, LettersAreThoseOfUnicode) {
  EXPECT_THAT(pieces("\u0391\u0392\u03b3\u0394\u03b5"),
              ElementsAre("\u0391\u0392\u03b3", "\u0394\u03b5"));                // Greek case
  EXPECT_THAT(pieces("e\u0301e\u0301 x"), ElementsAre("e\u0301e\u0301", " x"));  // marks
  EXPECT_THAT(pieces("\u4e2dA\u6587"), ElementsAre("\u4e2dA\u6587"));            // no case
  EXPECT_THAT(pieces("\u0661\u0662\u0663\u0664"), ElementsAre("\u0661\u0662\u0663", "\u0664"));
}

TEST(PreTokenizer, CaseFoldingFindsTheLongS) {
  EXPECT_THAT(pieces("it'\u017f."), ElementsAre("it'\u017f", "."));
}

TEST(PreTokenizer, WhiteSpaceIsThatOfUnicode) {
  EXPECT_THAT(pieces("!\u0085\u00a0\u3000"), ElementsAre("!", "\u0085\u00a0\u3000"));
  // No white space: the Mongolian vowel separator, zero width space, byte order mark, separators
  // of ASCII.
  for (const char* sign : {"\u180e", "\u200b", "\ufeff", "\x1c", "\x1f"}) {
    EXPECT_THAT(pieces(std::string(" ") + sign + "!"), ElementsAre(std::string(" ") + sign + "!"));
  }
}

TEST(PreTokenizer, BrokenBytesStandAlone) {
  EXPECT_THAT(pieces("ab\xff\xfe"), ElementsAre("ab", "\xff", "\xfe"));
  EXPECT_THAT(pieces("a  \xe2\x82 b"), ElementsAre("a", "  ", "\xe2", "\x82", " b"));
  EXPECT_THAT(pieces("\xed\xa0\x80"), ElementsAre("\xed", "\xa0", "\x80"));  // a surrogate
  EXPECT_THAT(pieces("\xf4\x90\x80\x80"), ElementsAre("\xf4", "\x90", "\x80", "\x80"));
  EXPECT_THAT(pieces(std::string("a\0b", 3)), ElementsAre("a", std::string("\0b", 2)));
}

TEST(PreTokenizer, PiecesJoinToTheTextWithOrWithoutJit) {
  RandomText random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string text = i % 2 == 0 ? random.mixed(40) : random.bytes(100);
    const auto parts = pieces(text);
    std::string joined;
    for (const auto& part : parts) joined += part;
    EXPECT_EQ(joined, text);
    EXPECT_EQ(pieces(text, false), parts);
  }
}

TEST(PreTokenizer, LongRunsAreOnePieceWithOrWithoutJit) {
  for (const char* unit : {"a", "A", " ", "\n", "!", "\u4e2d", "\u0301", "\U0001F600"}) {
    std::string text;
    while (text.size() < 2'000'000) text += unit;
    EXPECT_THAT(pieces(text), ElementsAre(text)) << unit;
    EXPECT_THAT(pieces(text, false), ElementsAre(text)) << unit;
  }
}

TEST(PreTokenizer, UnknownNameIsRefused) {
  const auto result = PreTokenizer::create("llama-bpe");
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("'llama-bpe'"));
  EXPECT_THAT(result.error().message, HasSubstr("'minimax-m2'"));
}

}  // namespace
}  // namespace jevons
