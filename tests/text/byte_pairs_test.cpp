#include "text/byte_pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <stop_token>

#include "random_text.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

/// The definition: again and again the pair of lowest rank, the leftmost of equals.
class NaiveBytePairs {
 public:
  explicit NaiveBytePairs(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {
    for (std::size_t rank = 0; rank < vocabulary.merges.size(); ++rank) {
      const auto& merge = vocabulary.merges[rank];
      ranks_[{merge.left, merge.right}] = rank;
    }
  }

  Ids encode(std::string_view text) const {
    Ids ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    while (true) {
      std::size_t lowest = vocabulary_.merges.size();
      std::size_t place = 0;
      for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
        const auto found = ranks_.find({ids[i], ids[i + 1]});
        if (found == ranks_.end() || found->second >= lowest) continue;
        lowest = found->second;
        place = i;
      }
      if (lowest == vocabulary_.merges.size()) return ids;
      ids[place] = vocabulary_.merges[lowest].result;
      ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(place) + 1);
    }
  }

 private:
  const Vocabulary& vocabulary_;
  std::map<std::pair<std::int32_t, std::int32_t>, std::size_t> ranks_;
};

Ids encode(const BytePairs& byte_pairs, std::string_view piece) {
  BytePairs::Scratch scratch;
  Ids ids;
  byte_pairs.encode(piece, scratch, ids);
  return ids;
}

BytePairs make(const Vocabulary& vocabulary) {
  auto result = BytePairs::create(vocabulary);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return std::move(*result);
}

std::string error_of(const Vocabulary& vocabulary) {
  const auto result = BytePairs::create(vocabulary);
  return result ? "" : result.error().message;
}

TEST(BytePairs, AgreesWithTheDefinition) {
  RandomText random(7);
  int n_unreached = 0;
  for (int round = 0; round < 60; ++round) {
    const std::string_view alphabet = round % 2 == 0 ? "ab" : "abcd \xc3\xa9";
    const Vocabulary vocabulary = random_vocabulary(random, 5 + random.below(300), alphabet);
    const BytePairs byte_pairs = make(vocabulary);
    const NaiveBytePairs naive(vocabulary);
    for (int i = 0; i < 60; ++i) {
      const std::string text = random.letters(1 + random.below(i < 50 ? 30 : 400), alphabet);
      EXPECT_EQ(encode(byte_pairs, text), naive.encode(text)) << text;
    }
    for (const std::string& token : vocabulary.tokens) {
      const Ids expected = naive.encode(token);
      EXPECT_EQ(encode(byte_pairs, token), expected) << token;
      EXPECT_EQ(byte_pairs.whole_token(token).has_value(), expected.size() == 1) << token;
      if (expected.size() > 1) ++n_unreached;
    }
  }
  EXPECT_GT(n_unreached, 100);  // the vocabularies did have tokens that merging never makes
}

TEST(BytePairs, EqualRanksMergeFromTheLeft) {
  Vocabulary vocabulary = byte_vocabulary();
  const std::int32_t aa = add_token(vocabulary, "aa", TokenKind::kNormal);
  vocabulary.merges = {{'a', 'a', aa}};
  EXPECT_THAT(encode(make(vocabulary), "aaa"), ElementsAre(aa, 'a'));
  const std::string odd(101, 'a');
  const Ids ids = encode(make(vocabulary), odd);
  EXPECT_EQ(ids.size(), 51u);
  EXPECT_EQ(ids.back(), 'a');
}

TEST(BytePairs, ALongPieceIsGivenUpWhenNobodyWaits) {
  Vocabulary vocabulary = byte_vocabulary();
  const std::int32_t aa = add_token(vocabulary, "aa", TokenKind::kNormal);
  vocabulary.merges = {{'a', 'a', aa}};
  std::stop_source source;
  source.request_stop();
  BytePairs::Scratch scratch;
  scratch.stop = source.get_token();
  Ids ids;
  make(vocabulary).encode(std::string(100'000, 'a'), scratch, ids);
  EXPECT_TRUE(ids.empty());
  EXPECT_EQ(scratch.n_steps, 0U);
}

TEST(BytePairs, StepsGrowWithTheLengthOnly) {
  RandomText random(3);
  const Vocabulary vocabulary = random_vocabulary(random, 400, "ab ");
  const BytePairs byte_pairs = make(vocabulary);
  for (const std::string_view alphabet : {"a", " ", "ab", "ab ", "abz"}) {
    const std::string text = random.letters(1'000'000, alphabet);
    BytePairs::Scratch scratch;
    Ids ids;
    byte_pairs.encode(text, scratch, ids);
    // One step for each pair at the start, two for the new neighbours of each merge.
    EXPECT_LE(scratch.n_steps, 3 * text.size()) << alphabet;
    std::string decoded;
    for (const std::int32_t id : ids) decoded += vocabulary.tokens[static_cast<std::size_t>(id)];
    EXPECT_EQ(decoded, text);
  }
}

TEST(BytePairs, ByteTokensServeWhereNormalOnesAreMissing) {
  Vocabulary vocabulary = byte_vocabulary();
  vocabulary.kinds[0xff] = TokenKind::kByte;
  EXPECT_THAT(encode(make(vocabulary), "\xff"), ElementsAre(0xff));
  vocabulary.kinds[0xff] = TokenKind::kUnused;
  EXPECT_THAT(error_of(vocabulary), HasSubstr("0xff"));
}

TEST(BytePairs, RefusesMergesThatMakeNoSense) {
  Vocabulary vocabulary = byte_vocabulary();
  const std::int32_t ab = add_token(vocabulary, "ab", TokenKind::kNormal);
  const std::int32_t control = add_token(vocabulary, "ba", TokenKind::kControl);
  const auto error = [&](std::vector<Vocabulary::Merge> merges) {
    vocabulary.merges = std::move(merges);
    return error_of(vocabulary);
  };
  EXPECT_EQ(error({{'a', 'b', ab}}), "");
  EXPECT_THAT(error({{'a', 'b', 999}}), HasSubstr("token 999"));
  EXPECT_THAT(error({{-1, 'b', ab}}), HasSubstr("token -1"));
  EXPECT_THAT(error({{'a', 'c', ab}}), HasSubstr("merge 0"));
  EXPECT_THAT(error({{'b', 'a', control}}), HasSubstr("special"));
  EXPECT_THAT(error({{'a', 'b', ab}, {'a', 'b', ab}}), HasSubstr("merges 0 and 1"));
  vocabulary.kinds.pop_back();
  EXPECT_THAT(error_of(vocabulary), HasSubstr("kinds"));
}

}  // namespace
}  // namespace jevons
