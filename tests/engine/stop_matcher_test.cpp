#include "engine/stop_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace jevons {
namespace {

struct Outcome {
  std::string text;
  std::optional<std::string> matched;
  bool operator==(const Outcome&) const = default;
};

Outcome feed(const std::vector<std::string>& stops, const std::vector<std::string>& pieces) {
  StopMatcher matcher(stops);
  Outcome outcome;
  for (const std::string& piece : pieces) outcome.text += matcher.push(piece);
  outcome.text += matcher.finish();
  outcome.matched = matcher.matched();
  return outcome;
}

// The definition: the earliest position at which a stop string begins, the longest one there.
Outcome naive(const std::vector<std::string>& stops, const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::optional<std::string> best;
    for (const std::string& stop : stops) {
      if (stop.empty() || text.compare(i, stop.size(), stop) != 0) continue;
      if (!best || stop.size() > best->size()) best = stop;
    }
    if (best) return {text.substr(0, i), best};
  }
  return {text, std::nullopt};
}

TEST(StopMatcher, ShowsTextThatCannotBecomeAStop) {
  StopMatcher matcher({"###"});
  EXPECT_EQ(matcher.push("hello #"), "hello ");
  EXPECT_EQ(matcher.push("#a"), "##a");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.matched());
}

TEST(StopMatcher, NothingComesAfterAMatch) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("one END two"), "one ");
  EXPECT_EQ(matcher.push("three"), "");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_EQ(matcher.matched(), "END");
}

TEST(StopMatcher, EveryCutGivesTheDefinition) {
  std::mt19937 random(5);
  const auto letter = [&] { return static_cast<char>('a' + random() % 3); };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> stops(random() % 4);
    for (std::string& stop : stops) {
      for (std::size_t n = random() % 5; n > 0; --n) stop.push_back(letter());
    }
    std::vector<std::string> pieces(random() % 8);
    std::string text;
    for (std::string& piece : pieces) {
      for (std::size_t n = random() % 4; n > 0; --n) piece.push_back(letter());
      text += piece;
    }
    EXPECT_EQ(feed(stops, pieces), naive(stops, text)) << text;
  }
}

}  // namespace
}  // namespace jevons
