#include "text/detokenizer.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "random_text.h"

namespace jevons {
namespace {

Tokenizer make(Vocabulary vocabulary) {
  auto result = Tokenizer::create(std::move(vocabulary));
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return std::move(*result);
}

TEST(Detokenizer, HoldsBackHalfCharacters) {
  const Tokenizer tokenizer = make(byte_vocabulary());
  Detokenizer detokenizer(tokenizer);
  EXPECT_EQ(detokenizer.push('a'), "a");
  EXPECT_EQ(detokenizer.push(0xe2), "");
  EXPECT_EQ(detokenizer.push(0x82), "");
  EXPECT_EQ(detokenizer.push(0xac), "\u20ac");
  EXPECT_EQ(detokenizer.push(0xf0), "");
  EXPECT_EQ(detokenizer.push('b'), "\ufffdb");
  EXPECT_EQ(detokenizer.push(0x80), "\ufffd");
  EXPECT_EQ(detokenizer.push(0xf0), "");
  EXPECT_EQ(detokenizer.push(0x9f), "");
  EXPECT_EQ(detokenizer.finish(), "\ufffd");
  EXPECT_EQ(detokenizer.finish(), "");
  EXPECT_EQ(detokenizer.push('c'), "c");
}

TEST(Detokenizer, KindsDecideWhatIsShown) {
  Vocabulary vocabulary = byte_vocabulary();
  const std::int32_t control = add_token(vocabulary, "[e~[", TokenKind::kControl);
  const std::int32_t unknown = add_token(vocabulary, "]!d~[", TokenKind::kUnknown);
  const std::int32_t think = add_token(vocabulary, "<think>", TokenKind::kUserDefined);
  const std::int32_t unused = add_token(vocabulary, "[PAD]", TokenKind::kUnused);
  const Tokenizer tokenizer = make(std::move(vocabulary));
  Detokenizer hiding(tokenizer);
  Detokenizer showing(tokenizer, ControlTokens::kShow);
  EXPECT_EQ(hiding.push(control), "");
  EXPECT_EQ(showing.push(control), "[e~[");
  EXPECT_EQ(hiding.push(unknown), "");
  EXPECT_EQ(showing.push(unknown), "]!d~[");
  for (Detokenizer* detokenizer : {&hiding, &showing}) {
    EXPECT_EQ(detokenizer->push(think), "<think>");
    EXPECT_EQ(detokenizer->push(unused), "");
    EXPECT_EQ(detokenizer->push(-1), "");
    EXPECT_EQ(detokenizer->push(100000), "");
  }
  // A hidden token between the bytes of a character does not break it.
  EXPECT_EQ(hiding.push(0xc3), "");
  EXPECT_EQ(hiding.push(control), "");
  EXPECT_EQ(hiding.push(0xa9), "\u00e9");
  EXPECT_EQ(showing.push(0xc3), "");
  EXPECT_EQ(showing.push(control), "\ufffd[e~[");
}

TEST(Detokenizer, StreamIsTheWholeTextInCharacters) {
  RandomText random(21);
  for (int round = 0; round < 100; ++round) {
    const Tokenizer tokenizer = make(random_vocabulary_with_specials(random));
    std::vector<std::int32_t> ids;
    if (round % 2 == 0) {
      ids = tokenizer.encode(random.mixed(60), SpecialTokens::kParse);
    } else {  // what a model may write: any tokens in any order
      for (int i = 0; i < 200; ++i) {
        ids.push_back(static_cast<std::int32_t>(
            random.below(static_cast<std::size_t>(tokenizer.n_tokens()))));
      }
    }
    Detokenizer detokenizer(tokenizer, ControlTokens::kShow);
    std::string text;
    for (const std::int32_t id : ids) {
      const std::string shown = detokenizer.push(id);
      EXPECT_TRUE(utf8_is_valid(shown));
      text += shown;
    }
    text += detokenizer.finish();
    EXPECT_EQ(text, utf8_sanitize(tokenizer.decode(ids)));
  }
}

}  // namespace
}  // namespace jevons
