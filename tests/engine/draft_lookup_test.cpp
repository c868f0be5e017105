#include "engine/draft_lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace jevons {
namespace {

using Match = DraftLookup::Match;
using Tokens = std::vector<std::int32_t>;

// The same by looking everywhere.
class NaiveLookup {
 public:
  void append(const Tokens& tokens) {
    const int n = static_cast<int>(tokens.size());
    if (n == n_known_) return;
    for (; n_known_ < n; ++n_known_) {
      const bool goes_on = match_.length > 0 && tokens[at(match_.place)] == tokens[at(n_known_)];
      match_ = goes_on ? Match{match_.place + 1, std::min(match_.length + 1, kLongest)} : Match{};
    }
    int n_places = 0;
    for (int place = n - 1; place >= 1 && n_places < DraftLookup::kMostPlaces; --place) {
      int length = 0;
      while (length < kLongest && length < place &&
             tokens[at(place - 1 - length)] == tokens[at(n - 1 - length)]) {
        ++length;
      }
      if (length < DraftLookup::kLeast) continue;
      ++n_places;
      if (length > match_.length) match_ = {place, length};
    }
  }
  [[nodiscard]] Match match() const { return match_; }

 private:
  static constexpr int kLongest = DraftLookup::kLongest;
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  int n_known_ = 0;
  Match match_;
};

// Random tokens of a small vocabulary, with pieces of what was before between them.
void extend(Tokens& tokens, std::mt19937& random, int vocabulary) {
  if (random() % 3 == 0 && !tokens.empty()) {
    const std::size_t from = random() % tokens.size();
    const std::size_t n = std::min<std::size_t>(random() % 60, tokens.size() - from);
    for (std::size_t i = 0; i < n; ++i) tokens.push_back(tokens[from + i]);
    return;
  }
  for (auto n = random() % 8; n > 0; --n) {
    tokens.push_back(static_cast<std::int32_t>(random() % static_cast<unsigned>(vocabulary)));
  }
}

TEST(DraftLookup, FindsWhatLookingEverywhereFinds) {
  std::mt19937 random(3);
  for (int round = 0; round < 60; ++round) {
    const int vocabulary = round % 2 == 0 ? 3 + round / 4 : 200'000;
    DraftLookup lookup;
    NaiveLookup naive;
    Tokens text;
    while (text.size() < 900) extend(text, random, vocabulary);
    std::size_t n = random() % 300;
    while (n < text.size()) {
      // A prompt at once, then an answer token by token, with some that come together.
      n = std::min(text.size(), n + (random() % 4 == 0 ? random() % 9 : 1));
      const Tokens so_far(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(n));
      lookup.append(so_far);
      naive.append(so_far);
      ASSERT_EQ(lookup.match().length, naive.match().length) << round << " at " << n;
      if (naive.match().length > 0) {
        ASSERT_EQ(lookup.match().place, naive.match().place) << round << " at " << n;
      }
    }
  }
}

TEST(DraftLookup, AMatchIsWhatItSays) {
  std::mt19937 random(4);
  Tokens tokens;
  DraftLookup lookup;
  int n_matches = 0;
  for (int i = 0; i < 3000; ++i) {
    extend(tokens, random, 50);
    lookup.append(tokens);
    const Match match = lookup.match();
    if (match.length == 0) continue;
    ++n_matches;
    ASSERT_GE(match.length, DraftLookup::kLeast);
    ASSERT_GE(match.place, match.length);
    ASSERT_LT(match.place, static_cast<int>(tokens.size()));
    EXPECT_TRUE(std::equal(tokens.end() - match.length, tokens.end(),
                           tokens.begin() + match.place - match.length));
  }
  EXPECT_GT(n_matches, 500);
}

TEST(DraftLookup, ACopyIsFollowedToItsEndAndOn) {
  Tokens tokens;
  for (int i = 0; i < 100; ++i) tokens.push_back(i);
  tokens.insert(tokens.end(), {500, 10, 11, 12});
  DraftLookup lookup;
  lookup.append(tokens);
  EXPECT_EQ(lookup.match().length, 3);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(lookup.guess(tokens, i), 13 + i);

  // What repeats itself goes on in the same way.
  Tokens circle = {7, 8, 9, 7, 8, 9, 7, 8};
  DraftLookup other;
  other.append(circle);
  const Tokens expected = {9, 7, 8, 9, 7, 8, 9};
  for (int i = 0; i < 7; ++i) EXPECT_EQ(other.guess(circle, i), expected[static_cast<unsigned>(i)]);
}

TEST(DraftLookup, NoMatchWhereThereIsNone) {
  DraftLookup lookup;
  lookup.append(Tokens{});
  EXPECT_EQ(lookup.match().length, 0);
  Tokens tokens;
  for (int i = 0; i < 5000; ++i) {
    tokens.push_back(i);
    lookup.append(tokens);
    ASSERT_EQ(lookup.match().length, 0);
  }
}

TEST(DraftLookup, ManyRunsStaySound) {
  std::mt19937 random(6);
  Tokens tokens;
  DraftLookup lookup;
  for (int i = 0; i < 200'000; ++i) tokens.push_back(static_cast<std::int32_t>(random() % 40));
  lookup.append(tokens);
  for (int i = 0; i < 2000; ++i) {
    tokens.push_back(static_cast<std::int32_t>(random() % 40));
    lookup.append(tokens);
    const Match match = lookup.match();
    if (match.length == 0) continue;
    EXPECT_TRUE(std::equal(tokens.end() - match.length, tokens.end(),
                           tokens.begin() + match.place - match.length));
  }
}

}  // namespace
}  // namespace jevons
