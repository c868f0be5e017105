#include "base/utf8.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace jevons {
namespace {

// The naive twin: every valid sequence, and every proper prefix of one, written out by encoding
// all scalar values with arithmetic of its own.
struct Oracle {
  std::set<std::string> characters;
  std::set<std::string> prefixes;

  Oracle() {
    for (std::uint32_t c = 0; c < 0x110000; ++c) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string bytes;
      if (c < 0x80) {
        bytes = {static_cast<char>(c)};
      } else {
        int n_tail = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
        const unsigned lead[] = {0, 0xC0, 0xE0, 0xF0};
        bytes.push_back(static_cast<char>(lead[n_tail] + (c >> (6 * n_tail))));
        for (; n_tail > 0; --n_tail) {
          bytes.push_back(static_cast<char>(0x80 + ((c >> (6 * (n_tail - 1))) % 64)));
        }
      }
      characters.insert(bytes);
      for (std::size_t n = 1; n < bytes.size(); ++n) prefixes.insert(bytes.substr(0, n));
    }
  }

  // The valid character at `at`, "" if there is none.
  std::string character(const std::string& text, std::size_t at) const {
    for (std::size_t n = 1; n <= 4 && at + n <= text.size(); ++n) {
      if (characters.contains(text.substr(at, n))) return text.substr(at, n);
    }
    return "";
  }

  // Length of the longest part at `at` that could have begun a character, at least 1.
  std::size_t invalid_part(const std::string& text, std::size_t at) const {
    std::size_t length = 1;
    for (std::size_t n = 1; n <= 3 && at + n <= text.size(); ++n) {
      if (prefixes.contains(text.substr(at, n))) length = n;
    }
    return length;
  }

  std::string sanitize(const std::string& text) const {
    std::string clean;
    for (std::size_t at = 0; at < text.size();) {
      const std::string found = character(text, at);
      clean += found.empty() ? "\xEF\xBF\xBD" : found;
      at += found.empty() ? invalid_part(text, at) : found.size();
    }
    return clean;
  }

  // All but a suffix that is a proper prefix of some character and begins where one can begin.
  std::size_t complete_prefix(const std::string& text) const {
    std::size_t at = 0;
    while (at < text.size()) {
      const std::string found = character(text, at);
      if (found.empty() && prefixes.contains(text.substr(at))) return at;
      at += found.empty() ? invalid_part(text, at) : found.size();
    }
    return at;
  }
};

const Oracle& oracle() {
  static const Oracle the_oracle;
  return the_oracle;
}

// Random bytes hit valid sequences rarely; this draws from the bytes that matter at borders.
std::string random_text(std::mt19937& random) {
  static constexpr unsigned kInteresting[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0,
                                              0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xED,
                                              0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF};
  std::string text;
  const int length = static_cast<int>(random() % 12);
  while (static_cast<int>(text.size()) < length) {
    switch (random() % 4) {
      case 0:
        text.push_back(static_cast<char>(random() % 256));
        break;
      case 1:
      case 2:
        text.push_back(static_cast<char>(kInteresting[random() % std::size(kInteresting)]));
        break;
      default: {
        const auto c = static_cast<char32_t>(random() % 0x110000);
        if (c < 0xD800 || c >= 0xE000) utf8_append(text, c);
      }
    }
  }
  return text;
}

TEST(Utf8, AppendsEveryScalarValueAsTheOracleDoes) {
  std::set<std::string> appended;
  for (std::uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string bytes;
    utf8_append(bytes, c);
    ASSERT_EQ(utf8_sequence_length(bytes), bytes.size()) << c;
    appended.insert(bytes);
  }
  EXPECT_EQ(appended, oracle().characters);
}

TEST(Utf8, AgreesWithTheOracleOnRandomBytes) {
  std::mt19937 random(1);
  for (int i = 0; i < 300'000; ++i) {
    const std::string text = random_text(random);
    ASSERT_EQ(utf8_sequence_length(text), oracle().character(text, 0).size())
        << testing::PrintToString(text);
    ASSERT_EQ(utf8_sanitize(text), oracle().sanitize(text)) << testing::PrintToString(text);
    ASSERT_EQ(utf8_is_valid(text), oracle().sanitize(text) == text) << testing::PrintToString(text);
    ASSERT_EQ(utf8_complete_prefix(text), oracle().complete_prefix(text))
        << testing::PrintToString(text);
  }
}

TEST(Utf8, SanitizedTextIsValidAndKeepsValidText) {
  EXPECT_EQ(utf8_sanitize("naïve 日本 🙂"), "naïve 日本 🙂");
  EXPECT_EQ(utf8_sanitize("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate: three parts
  EXPECT_EQ(utf8_sanitize("\xF0\x9F\x99"), "\uFFFD");              // cut: one part
  EXPECT_EQ(utf8_sanitize(""), "");
}

TEST(Utf8, HoldsBackOnlyTheCharacterOnItsWay) {
  const std::string smile = "a🙂";
  EXPECT_EQ(utf8_complete_prefix(smile.substr(0, 2)), 1U);
  EXPECT_EQ(utf8_complete_prefix(smile.substr(0, 4)), 1U);
  EXPECT_EQ(utf8_complete_prefix(smile), 5U);
  EXPECT_EQ(utf8_complete_prefix("a\x80\x80\x80\x80"), 5U);
}

}  // namespace
}  // namespace jevons
