#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>
#include <regex>
#include <string>
#include <vector>

#include "text/constraint/char_automaton.h"
#include "text/constraint/regex_syntax.h"

namespace jevons {
namespace {

constexpr std::size_t kBudget = 50'000'000;

CharDfa compiled(const std::string& pattern) {
  WorkBudget budget(kBudget);
  return compile_pattern(parse_regex(pattern).value(), budget).value();
}

/// Patterns over few letters that std::regex knows too.
class RandomPattern {
 public:
  explicit RandomPattern(std::uint32_t seed) : random_(seed) {}

  std::string make() {
    std::string pattern = choice(2);
    if (random_() % 3 == 0) pattern = fmt::format("^(?:{})", pattern);
    if (random_() % 3 == 0) pattern = fmt::format("(?:{})$", pattern);
    return pattern;
  }

 private:
  std::string choice(int depth) {
    std::string text = sequence(depth);
    while (random_() % 4 == 0) text += fmt::format("|{}", sequence(depth));
    return text;
  }

  std::string sequence(int depth) {
    std::string text;
    for (std::size_t n = random_() % 4; n > 0; --n) {
      text += atom(depth);
      static constexpr const char* kQuantifiers[] = {"*",     "+",     "?",   "{2}",
                                                     "{1,2}", "{0,3}", "{2,}"};
      if (random_() % 3 == 0) text += kQuantifiers[random_() % std::size(kQuantifiers)];
    }
    return text;
  }

  std::string atom(int depth) {
    static constexpr const char* kAtoms[] = {
        "a", "b", "c", "1", ".", "\\d", "\\w", "[ab]", "[^a]", "[a-c1]", "\\D", "[\\d-]", "\\x61"};
    if (depth > 0 && random_() % 3 == 0) return fmt::format("({})", choice(depth - 1));
    return kAtoms[random_() % std::size(kAtoms)];
  }

  std::mt19937 random_;
};

std::vector<std::string> all_texts(const std::string& letters, std::size_t longest) {
  std::vector<std::string> texts = {""};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].size() == longest) break;
    for (const char letter : letters) texts.push_back(texts[i] + letter);
  }
  return texts;
}

TEST(Pattern, FindsWhatStdRegexFinds) {
  const std::vector<std::string> texts = all_texts("abc1-", 4);
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    const std::string pattern = RandomPattern(seed).make();
    const CharDfa dfa = compiled(pattern);
    const std::regex oracle(pattern, std::regex::ECMAScript);
    for (const std::string& text : texts) {
      ASSERT_EQ(dfa.accepts(text), std::regex_search(text, oracle)) << pattern << " in " << text;
    }
  }
}

TEST(Pattern, SetOperationsAreThoseOfTheLanguages) {
  const std::vector<std::string> texts = all_texts("abc1", 4);
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    WorkBudget budget(kBudget);
    const CharDfa a = compiled(RandomPattern(seed).make());
    const CharDfa b = compiled(RandomPattern(seed + 1000).make());
    const CharDfa both = intersection(a, b, budget).value();
    const CharDfa any = either(a, b, budget).value();
    const CharDfa rest = complement(a);
    const CharDfa short_ones = with_length(a, 1, 3, budget).value();
    for (const std::string& text : texts) {
      EXPECT_EQ(both.accepts(text), a.accepts(text) && b.accepts(text));
      EXPECT_EQ(any.accepts(text), a.accepts(text) || b.accepts(text));
      EXPECT_EQ(rest.accepts(text), !a.accepts(text));
      EXPECT_EQ(short_ones.accepts(text), a.accepts(text) && !text.empty() && text.size() <= 3);
    }
  }
}

TEST(Pattern, OneOfAcceptsExactlyItsTexts) {
  WorkBudget budget(kBudget);
  const std::vector<std::string> some = {"", "a", "abc", "\u00e9", "\U0001F600", "b1"};
  const CharDfa dfa = one_of(some, budget).value();
  for (const std::string& text : some) EXPECT_TRUE(dfa.accepts(text)) << text;
  for (const char* text : {"ab", "abcd", "\u00e8", "b"}) EXPECT_FALSE(dfa.accepts(text)) << text;
  EXPECT_TRUE(one_of({}, budget)->is_empty());
}

TEST(Pattern, KnowsCharactersBeyondAscii) {
  EXPECT_TRUE(compiled("^.$").accepts("\U0001F600"));
  EXPECT_TRUE(compiled("^[\u00e0-\u00ff]+$").accepts("\u00e9\u00fc"));
  EXPECT_TRUE(compiled("^\\u{1F600}\\uD83D\\uDE00$").accepts("\U0001F600\U0001F600"));
  EXPECT_FALSE(compiled("^\\w$").accepts("\u00e9"));
  EXPECT_TRUE(compiled("^\\s$").accepts("\u00a0"));
  EXPECT_FALSE(compiled("^.$").accepts("\u2028"));
}

TEST(Pattern, NamesWhatIsNotSupported) {
  const auto message = [](const char* pattern) {
    const auto node = parse_regex(pattern);
    return node ? std::string("no error") : node.error().message;
  };
  EXPECT_NE(message("(?=a)").find("lookaround"), std::string::npos);
  EXPECT_NE(message("(?<!a)b").find("lookaround"), std::string::npos);
  EXPECT_NE(message("(a)\\1").find("back references"), std::string::npos);
  EXPECT_NE(message("\\bword").find("\\b"), std::string::npos);
  EXPECT_NE(message("\\p{L}").find("\\p"), std::string::npos);
  for (const char* broken :
       {"(", ")", "[a", "a**", "+a", "a{3,2}", "[b-a]", "\\", "^*", "(?P<a>b)"}) {
    EXPECT_NE(message(broken), "no error") << broken;
  }
  EXPECT_EQ(message("a{,2}b{x"), "no error");  // literal braces, as browsers read them
}

TEST(Pattern, EndsWithTheBudget) {
  for (const char* pattern :
       {"(a|b)*a(a|b){20}", "^(((a{0,99}){0,99}){0,99}){0,99}$", "^[\\w.]{0,1000000}$"}) {
    WorkBudget budget(1'000'000);
    EXPECT_FALSE(compile_pattern(parse_regex(pattern).value(), budget)) << pattern;
  }
}

TEST(WorkBudget, GivesNothingOnceStopped) {
  std::stop_source source;
  WorkBudget budget(10, source.get_token());
  WorkBudget part = budget.part(4);
  EXPECT_EQ(part.left(), 4U);
  EXPECT_TRUE(part.spend(3));
  EXPECT_TRUE(budget.spend(3));
  source.request_stop();
  EXPECT_FALSE(part.spend(1));
  EXPECT_FALSE(budget.spend(0));
  EXPECT_EQ(budget.left(), 0U);
  EXPECT_FALSE(budget.part(4).spend(0));
}

}  // namespace
}  // namespace jevons
