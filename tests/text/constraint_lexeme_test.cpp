#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/constraint/code_point_set.h"
#include "text/constraint/number_lexeme.h"
#include "text/constraint/standard_lexemes.h"
#include "text/constraint/string_lexeme.h"
#include "text/json_value.h"

namespace jevons {
namespace {

constexpr std::size_t kBudget = 50'000'000;

Decimal decimal(const std::string& text) { return Decimal::parse(text).value(); }

/// A number of hundredths with `n_digits` digits after the point.
std::string hundredths(int n, int n_digits) {
  const std::string digits = fmt::format("{:02}", std::abs(n) % 100).substr(0, n_digits);
  return fmt::format("{}{}{}{}", n < 0 ? "-" : "", std::abs(n) / 100, n_digits > 0 ? "." : "",
                     digits);
}

/// Every number of at most two digits after the point from -30 to 30, and what it is.
std::vector<std::pair<std::string, int>> numbers() {
  std::vector<std::pair<std::string, int>> all;
  for (int n = -3000; n <= 3000; ++n) {
    all.emplace_back(hundredths(n, 2), n);
    if (n % 10 == 0) all.emplace_back(hundredths(n, 1), n);
    if (n % 100 == 0) all.emplace_back(hundredths(n, 0), n);
  }
  return all;
}

TEST(NumberLexeme, HoldsBoundsForEveryNumberNearby) {
  std::mt19937 random(1);
  const auto all = numbers();
  for (int round = 0; round < 60; ++round) {
    NumberRule rule;
    rule.integers_only = random() % 3 == 0;
    if (rule.integers_only && random() % 2 == 0) {
      rule.multiple_of = static_cast<std::uint32_t>(1 + random() % 7);
    }
    std::optional<int> lower;
    std::optional<int> upper;
    if (random() % 4 != 0) lower = static_cast<int>(random() % 4000) - 2500;
    if (random() % 4 != 0) upper = lower.value_or(-2000) + static_cast<int>(random() % 2500);
    // Coarse bounds, so that they are hit.
    const int step = random() % 2 == 0 ? 100 : random() % 2 == 0 ? 10 : 1;
    const bool low_exclusive = random() % 2 == 0;
    const bool high_exclusive = random() % 2 == 0;
    if (lower) lower = *lower / step * step;
    if (upper) upper = *upper / step * step;
    if (lower) rule.lower = {decimal(hundredths(*lower, 2)), low_exclusive};
    if (upper) rule.upper = {decimal(hundredths(*upper, 2)), high_exclusive};
    WorkBudget budget(kBudget);
    const auto lexeme = number_lexeme(rule, budget);
    for (const auto& [text, n] : all) {
      bool expected = true;
      if (lower) expected = expected && (low_exclusive ? n > *lower : n >= *lower);
      if (upper) expected = expected && (high_exclusive ? n < *upper : n <= *upper);
      const bool is_plain = text.find('.') == std::string::npos;
      if (rule.integers_only) expected = expected && is_plain && text != "-0";
      const int multiple = static_cast<int>(rule.multiple_of) * 100;
      if (multiple > 100) expected = expected && n % multiple == 0;
      const bool accepted = lexeme && lexeme->accepts(text);
      ASSERT_EQ(accepted, expected) << text << " from " << (lower ? hundredths(*lower, 2) : "none")
                                    << " to " << (upper ? hundredths(*upper, 2) : "none");
    }
  }
}

TEST(NumberLexeme, RefusesOtherSpellings) {
  WorkBudget budget(kBudget);
  const Lexeme number = number_lexeme({}, budget).value();
  for (const char* text : {"0", "-1", "10.50", "1e5", "1E-07", "0.001", "-0.5"}) {
    EXPECT_TRUE(number.accepts(text)) << text;
  }
  for (const char* text :
       {"", "-", "01", "1.", ".5", "+1", "1e", "0x1", "1 ", "NaN", "--1", "1e999"}) {
    EXPECT_FALSE(number.accepts(text)) << text;
  }
}

TEST(Decimal, ComparesWithoutRounding) {
  EXPECT_EQ(decimal("1.0"), decimal("1"));
  EXPECT_EQ(decimal("1.5e3"), decimal("1500"));
  EXPECT_EQ(decimal("-0.0"), decimal("0"));
  EXPECT_EQ(decimal("12e-1"), decimal("1.2"));
  EXPECT_LT(decimal("9007199254740992"), decimal("9007199254740993"));
  EXPECT_LT(decimal("-2"), decimal("-1.5"));
  EXPECT_LT(decimal("0.1"), decimal("0.10000000000000000001"));
  EXPECT_LT(decimal("-1"), decimal("0.01"));
  EXPECT_FALSE(Decimal::parse("1e1000000"));
}

/// Text of characters of every length in UTF-8, and of those that matter to JSON and to tags.
std::u32string random_characters(std::mt19937& random, std::size_t longest) {
  static constexpr char32_t kSome[] = {'a',   'b',    '"',    '\\',   '/',     '\n',    0,
                                       0x1F,  0x7F,   '<',    '>',    'p',     0xE9,    0x7FF,
                                       0x800, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF};
  std::u32string text;
  for (std::size_t n = random() % (longest + 1); n > 0; --n) {
    text.push_back(kSome[random() % std::size(kSome)]);
  }
  return text;
}

/// One of the ways to write a character in a JSON string.
std::string spelled(char32_t c, std::mt19937& random) {
  const bool must_escape = c < 0x20 || c == '"' || c == '\\';
  if (!must_escape && random() % 2 == 0) {
    std::string plain;
    utf8_append(plain, c);
    return plain;
  }
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  const std::size_t place = c < 0x80 ? kMeant.find(static_cast<char>(c)) : std::string_view::npos;
  if (place != std::string_view::npos && random() % 2 == 0) {
    return std::string("\\") + kLetters[place];
  }
  const auto unit = [&](char32_t u) {
    return random() % 2 == 0 ? fmt::format("\\u{:04x}", static_cast<unsigned>(u))
                             : fmt::format("\\u{:04X}", static_cast<unsigned>(u));
  };
  if (c < 0x10000) return unit(c);
  return unit(0xD800 + ((c - 0x10000) >> 10)) + unit(0xDC00 + ((c - 0x10000) & 0x3FF));
}

TEST(JsonStringLexeme, TakesEverySpellingWithinTheLimits) {
  WorkBudget budget(kBudget);
  std::mt19937 random(2);
  const Lexeme any =
      json_string_lexeme(counted_text(CodePointSet::any(), 0, CountLimits::kNone), "", budget)
          .value();
  for (int round = 0; round < 3000; ++round) {
    const std::u32string text = random_characters(random, 6);
    std::string json = "\"";
    for (const char32_t c : text) json += spelled(c, random);
    json += "\"";
    ASSERT_TRUE(any.accepts(json)) << json;
    const CountLimits limits{static_cast<std::uint32_t>(random() % 4),
                             static_cast<std::uint32_t>(3 + random() % 3)};
    const bool fits = text.size() >= limits.min && text.size() <= limits.max;
    ASSERT_EQ(any.accepts(json, limits), fits) << json << " " << limits.min << " " << limits.max;
  }
}

TEST(JsonStringLexeme, TakesNothingThatIsNoJsonString) {
  WorkBudget budget(kBudget);
  std::mt19937 random(3);
  const Lexeme any =
      json_string_lexeme(counted_text(CodePointSet::any(), 0, CountLimits::kNone), "", budget)
          .value();
  int n_valid = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string json = "\"";
    for (const char32_t c : random_characters(random, 4)) json += spelled(c, random);
    json += "\"";
    const std::size_t at = random() % json.size();
    if (random() % 2 == 0) {
      json[at] = static_cast<char>(random() % 256);
    } else {
      json.erase(at, 1);
    }
    const auto parsed = parse_json(json);
    const bool is_trimmed = !json.empty() && json.front() == '"' && json.back() == '"';
    const bool expected =
        parsed && parsed->is_string() && is_trimmed && without_half_surrogates(json) == json;
    n_valid += expected ? 1 : 0;
    ASSERT_EQ(any.accepts(json), expected) << json;
  }
  EXPECT_GT(n_valid, 1000);
}

/// Every text over the letters, with its closing tag, against the meaning of the words.
void compare_raw(const TextLanguage& values, const CharDfa& oracle, std::string_view tag) {
  WorkBudget budget(kBudget);
  const auto lexeme = raw_text_lexeme(values, tag, budget);
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size() && texts[i].size() < 6; ++i) {
    for (const char letter : std::string_view("a<tg>")) texts.push_back(texts[i] + letter);
  }
  for (const std::string& text : texts) {
    const bool fits = text.size() >= values.limits.min && text.size() <= values.limits.max;
    const std::string whole = text + std::string(tag);
    const bool closes_once = whole.find(tag) == text.size();
    const bool accepted = lexeme && lexeme->accepts(whole, values.limits);
    ASSERT_EQ(accepted, fits && closes_once && oracle.accepts(text))
        << whole << " " << values.limits.min << " " << values.limits.max;
    const bool is_open = !lexeme || !lexeme->accepts(text, values.limits);
    ASSERT_TRUE(is_open || !closes_once) << text;
  }
}

TEST(RawTextLexeme, EndsAtTheFirstClosingTag) {
  WorkBudget budget(kBudget);
  for (const auto& [min, max] : {std::pair{0u, CountLimits::kNone}, {0u, 3u}, {2u, 4u}, {3u, 3u}}) {
    for (const CodePointSet& set :
         {CodePointSet::any(), CodePointSet{{'<', '<'}, {'t', 't'}}, CodePointSet{{'a', 'g'}}}) {
      const TextLanguage values = counted_text(set, min, max);
      compare_raw(values, values.dfa, "<tg>");
    }
  }
  for (const char* pattern : {"^a*<?t*g?$", "<t", "^(<t)+$", "^[^a]+a$", "^<tg$", "a|<"}) {
    const CharDfa dfa = compile_pattern(parse_regex(pattern).value(), budget).value();
    compare_raw(TextLanguage{dfa}, dfa, "<tg>");
    for (const CountLimits limits : {CountLimits{1, 3}, {2, 5}, {0, 4}}) {
      const TextLanguage limited = limited_text(dfa, limits, budget).value();
      compare_raw(limited, with_length(dfa, limits.min, limits.max, budget).value(), "<tg>");
    }
  }
}

TEST(LimitedText, CountsOnlyWhereCountingIsEnough) {
  WorkBudget budget(kBudget);
  const auto is_counted = [&](const char* pattern) {
    CharDfa dfa = compile_pattern(parse_regex(pattern).value(), budget).value();
    return limited_text(std::move(dfa), {2, 9}, budget)->is_counted;
  };
  EXPECT_TRUE(is_counted("^[a-z]+$"));
  EXPECT_TRUE(is_counted("^[a-z][a-z0-9]*(x|y)$"));
  EXPECT_TRUE(is_counted("foo"));
  EXPECT_FALSE(is_counted("^(ab)+$"));    // no odd lengths
  EXPECT_FALSE(is_counted("^a{1,5}b$"));  // no large ones
}

/// Whatever was read so far, the lexeme can be completed: tried by going on in every way.
bool can_be_completed(const Lexeme& lexeme, Lexeme::Position at, CountLimits limits, int depth) {
  if (lexeme.accepting[at.state] != 0) return true;
  if (depth == 0) return false;
  for (int byte = 0; byte < 256; ++byte) {
    if (byte > 0 && lexeme.byte_class[static_cast<std::size_t>(byte)] ==
                        lexeme.byte_class[static_cast<std::size_t>(byte - 1)]) {
      continue;
    }
    const Lexeme::Position to = lexeme.step(at, static_cast<std::uint8_t>(byte), limits);
    if (to.state != Lexeme::kDead && can_be_completed(lexeme, to, limits, depth - 1)) return true;
  }
  return false;
}

TEST(RawTextLexeme, NeverRunsIntoADeadEnd) {
  WorkBudget budget(kBudget);
  for (const char* pattern : {"^[a<]*$", "^[<t]*$", "^a*b$", "a<"}) {
    CharDfa dfa = compile_pattern(parse_regex(pattern).value(), budget).value();
    for (const CountLimits limits : {CountLimits{0, 2}, {2, 3}, {3, 3}}) {
      const TextLanguage values = limited_text(dfa, limits, budget).value();
      const auto lexeme = raw_text_lexeme(values, "<t>", budget);
      if (!lexeme) continue;
      std::mt19937 random(5);
      for (int round = 0; round < 200; ++round) {
        Lexeme::Position at;
        for (int n = 0; n < 6; ++n) {
          static constexpr std::string_view kLetters = "ab<t>";
          const auto byte = static_cast<std::uint8_t>(kLetters[random() % kLetters.size()]);
          const Lexeme::Position to = lexeme->step(at, byte, values.limits);
          if (to.state == Lexeme::kDead) continue;
          at = to;
          ASSERT_TRUE(can_be_completed(*lexeme, at, values.limits, 8)) << pattern;
          if (lexeme->accepting[at.state] != 0) break;
        }
      }
    }
  }
}

TEST(CallJsonString, NeverContainsTheClosingTag) {
  const auto lexemes = StandardLexemes::make();
  EXPECT_FALSE(lexemes->call_json_string->accepts("\"</parameter>\""));
  EXPECT_FALSE(lexemes->call_json_string->accepts("\"a<</parameter>b\""));
  EXPECT_TRUE(lexemes->call_json_string->accepts("\"<\\/parameter>\""));
  EXPECT_TRUE(lexemes->call_json_string->accepts("\"</parameter\""));
  EXPECT_TRUE(lexemes->json_string->accepts("\"</parameter>\""));
}

}  // namespace
}  // namespace jevons
