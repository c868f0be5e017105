#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stop_token>

#include "random_text.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

Tokenizer make(Vocabulary vocabulary) {
  auto result = Tokenizer::create(std::move(vocabulary));
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return std::move(*result);
}

/// Bytes only, and these special tokens from 256 on.
Tokenizer make_with_specials() {
  Vocabulary vocabulary = byte_vocabulary();
  add_token(vocabulary, "]~b]", TokenKind::kControl);         // 256
  add_token(vocabulary, "[e~[", TokenKind::kControl);         // 257
  add_token(vocabulary, "<think>", TokenKind::kUserDefined);  // 258
  add_token(vocabulary, "<think>x", TokenKind::kControl);     // 259
  add_token(vocabulary, "pad", TokenKind::kUnused);           // 260
  add_token(vocabulary, "~b]!", TokenKind::kControl);         // 261
  return make(std::move(vocabulary));
}

TEST(Tokenizer, ControlTokensOnlyWhenAsked) {
  const Tokenizer tokenizer = make_with_specials();
  EXPECT_THAT(tokenizer.encode("]~b]a[e~[", SpecialTokens::kParse), ElementsAre(256, 'a', 257));
  EXPECT_THAT(tokenizer.encode("]~b]", SpecialTokens::kIgnore), ElementsAre(']', '~', 'b', ']'));
}

TEST(Tokenizer, UserDefinedTokensAlwaysAndUnusedNever) {
  const Tokenizer tokenizer = make_with_specials();
  for (const auto control : {SpecialTokens::kParse, SpecialTokens::kIgnore}) {
    EXPECT_THAT(tokenizer.encode("a<think>b", control), ElementsAre('a', 258, 'b'));
    EXPECT_THAT(tokenizer.encode("pad", control), ElementsAre('p', 'a', 'd'));
  }
  EXPECT_EQ(tokenizer.token_bytes(260), "");
  EXPECT_EQ(tokenizer.token_bytes(-1), "");
  EXPECT_EQ(tokenizer.token_bytes(9999), "");
  EXPECT_EQ(tokenizer.token_bytes(258), "<think>");
  EXPECT_EQ(tokenizer.kind(9999), TokenKind::kUnused);
}

TEST(Tokenizer, LeftmostThenLongest) {
  const Tokenizer tokenizer = make_with_specials();
  EXPECT_THAT(tokenizer.encode("<think>x", SpecialTokens::kParse), ElementsAre(259));
  EXPECT_THAT(tokenizer.encode("<think>x", SpecialTokens::kIgnore), ElementsAre(258, 'x'));
  EXPECT_THAT(tokenizer.encode("]~b]!", SpecialTokens::kParse), ElementsAre(256, '!'));
  EXPECT_THAT(tokenizer.encode("]]~b]]", SpecialTokens::kParse), ElementsAre(']', 256, ']'));
  EXPECT_THAT(tokenizer.encode("<think", SpecialTokens::kParse),
              ElementsAre('<', 't', 'h', 'i', 'n', 'k'));
}

TEST(Tokenizer, ControlTokensNeedTrustOverTheirWholeLength) {
  const Tokenizer tokenizer = make_with_specials();
  const auto encode = [&](std::vector<PromptPiece> pieces) { return tokenizer.encode(pieces); };
  const Ids letters = {']', '~', 'b', ']'};
  EXPECT_THAT(encode({{"]~b]", true}}), ElementsAre(256));
  EXPECT_EQ(encode({{"]~b]", false}}), letters);
  EXPECT_EQ(encode({{"]~", true}, {"b]", false}}), letters);
  EXPECT_EQ(encode({{"]~", false}, {"b]", true}}), letters);
  EXPECT_EQ(encode({{"]", true}, {"~", false}, {"b]", true}}), letters);
  EXPECT_THAT(encode({{"]~", true}, {"", false}, {"b]", true}}), ElementsAre(256));
  EXPECT_THAT(encode({{"<thi", false}, {"nk>", true}}), ElementsAre(258));
  // A longer control token that may not stand there leaves room for the shorter one.
  EXPECT_THAT(encode({{"<think>", true}, {"x", false}}), ElementsAre(258, 'x'));
  // A control token that may not stand there leaves room for one that begins inside it.
  EXPECT_THAT(encode({{"]", false}, {"~b]!", true}}), ElementsAre(']', 261));
}

TEST(Tokenizer, PieceBordersNeverChangeTokens) {
  RandomText random(11);
  for (int round = 0; round < 30; ++round) {
    const Tokenizer tokenizer = make(random_vocabulary_with_specials(random));
    for (int i = 0; i < 40; ++i) {
      const std::string text = random.mixed(25);
      for (const bool trusted : {true, false}) {
        std::vector<PromptPiece> pieces;
        for (std::size_t at = 0; at < text.size();) {
          const std::size_t n = random.below(9);
          pieces.push_back({text.substr(at, n), trusted});
          at += n;
        }
        EXPECT_EQ(tokenizer.encode(pieces),
                  tokenizer.encode(text, trusted ? SpecialTokens::kParse : SpecialTokens::kIgnore))
            << text;
      }
    }
  }
}

/// Where trust changes, too: control tokens whose bytes are all trusted, found one by one.
TEST(Tokenizer, MixedTrustAgreesWithLookingAtEachByte) {
  RandomText random(12);
  for (int round = 0; round < 200; ++round) {
    const Tokenizer tokenizer = make(random_vocabulary_with_specials(random));
    std::vector<PromptPiece> pieces;
    std::string text, trust;
    for (std::size_t n = random.below(8); n > 0; --n) {
      pieces.push_back({random.mixed(6), random.below(2) == 0});
      text += pieces.back().text;
      trust += std::string(pieces.back().text.size(), pieces.back().trusted ? 'y' : 'n');
    }
    Ids expected;
    std::size_t ordinary_begin = 0;
    const auto flush = [&](std::size_t end) {
      const auto ids = tokenizer.encode(text.substr(ordinary_begin, end - ordinary_begin),
                                        SpecialTokens::kIgnore);
      expected.insert(expected.end(), ids.begin(), ids.end());
    };
    for (std::size_t at = 0; at < text.size();) {
      std::int32_t best = -1;
      for (std::int32_t id = 256; id < tokenizer.n_tokens(); ++id) {
        const TokenKind kind = tokenizer.kind(id);
        const std::string_view bytes = tokenizer.token_bytes(id);
        if (kind != TokenKind::kControl && kind != TokenKind::kUserDefined) continue;
        if (text.compare(at, bytes.size(), bytes) != 0) continue;
        const bool is_trusted = trust.substr(at, bytes.size()).find('n') == std::string::npos;
        if (kind == TokenKind::kControl && !is_trusted) continue;
        if (best < 0 || bytes.size() > tokenizer.token_bytes(best).size()) best = id;
      }
      if (best < 0) {
        ++at;
        continue;
      }
      flush(at);
      expected.push_back(best);
      at += tokenizer.token_bytes(best).size();
      ordinary_begin = at;
    }
    flush(text.size());
    EXPECT_EQ(tokenizer.encode(pieces), expected) << text;
  }
}

TEST(Tokenizer, DecodingGivesBackAnyBytes) {
  RandomText random(5);
  for (int round = 0; round < 40; ++round) {
    const Tokenizer tokenizer = make(random_vocabulary_with_specials(random));
    for (int i = 0; i < 50; ++i) {
      const std::string text = i % 2 == 0 ? random.bytes(random.below(200)) : random.mixed(50);
      for (const auto control : {SpecialTokens::kParse, SpecialTokens::kIgnore}) {
        EXPECT_EQ(tokenizer.decode(tokenizer.encode(text, control)), text);
      }
    }
  }
}

TEST(Tokenizer, AMegabyteOfAnythingIsQuick) {
  RandomText random(9);
  const Tokenizer tokenizer = make(random_vocabulary_with_specials(random));
  for (const char* unit :
       {"a",    "A",     " ",       "\n", " \n",    "\u00a0", "!",          "<",
        "]~b",  "ab",    "the ",    "1",  "\u4e2d", "\u0301", "\U0001F600", "\U0001F468\u200d",
        "\xff", "a\xff", "<think>", "'s", "\r\n /"}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    for (const char* end : {"", "x", "!"}) {
      const auto begin = std::chrono::steady_clock::now();
      const Ids ids = tokenizer.encode(text + end, SpecialTokens::kParse);
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
      EXPECT_LT(seconds.count(), 20) << unit;  // a fraction of one; hours if it were quadratic
      EXPECT_EQ(tokenizer.decode(ids), text + end);
    }
  }
}

TEST(Tokenizer, NothingIsAdded) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.bos_id = add_token(vocabulary, "]~!b[", TokenKind::kControl);
  vocabulary.add_bos = true;
  const Tokenizer tokenizer = make(std::move(vocabulary));
  EXPECT_TRUE(tokenizer.add_bos());
  EXPECT_THAT(tokenizer.encode("", SpecialTokens::kParse), ElementsAre());
  EXPECT_THAT(tokenizer.encode("a", SpecialTokens::kParse), ElementsAre('a'));
  EXPECT_EQ(tokenizer.special_token("]~!b["), 256);
  EXPECT_EQ(tokenizer.special_token("]~!b"), std::nullopt);
  EXPECT_EQ(tokenizer.special_token(""), std::nullopt);
}

TEST(Tokenizer, UnknownPreTokenizerIsRefused) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.pre_tokenizer = "qwen2";
  const auto result = Tokenizer::create(std::move(vocabulary));
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("'qwen2'"));
}

TEST(Tokenizer, EndsSoonWhenNobodyWaits) {
  const Tokenizer tokenizer = make_with_specials();
  std::stop_source source;
  const PromptPiece piece{"one two three <think> four", true};
  EXPECT_EQ(tokenizer.encode({&piece, 1}, source.get_token()), tokenizer.encode({&piece, 1}));
  source.request_stop();
  EXPECT_TRUE(tokenizer.encode({&piece, 1}, source.get_token()).empty());
  EXPECT_TRUE(tokenizer.encode("one two", SpecialTokens::kParse, source.get_token()).empty());
}

}  // namespace
}  // namespace jevons
