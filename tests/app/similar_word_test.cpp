#include "app/similar_word.h"

#include <gtest/gtest.h>

#include <string>

namespace jevons {
namespace {

TEST(SimilarWord, FindsTheWordThatWasMeant) {
  const std::vector<std::string_view> words = {"run", "inspect", "eval", "bench", "quantize"};
  EXPECT_EQ(similar_word("ruun", words), "run");
  EXPECT_EQ(similar_word("rnu", words), "run");
  EXPECT_EQ(similar_word("inspekt", words), "inspect");
  EXPECT_EQ(similar_word("quantise", words), "quantize");
  EXPECT_EQ(similar_word("bnech", words), "bench");
  EXPECT_EQ(similar_word("serve", words), "");
  EXPECT_EQ(similar_word("x", words), "");
  EXPECT_EQ(similar_word(std::string(10'000, 'r'), words), "");
}

}  // namespace
}  // namespace jevons
