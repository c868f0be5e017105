#include "meter/price_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kSource = R"(date = 2026-05-01, source = "test")";

std::string error_of(const std::string& toml) {
  PriceBook book = PriceBook::shipped();
  const auto n_models = book.models().size();
  const auto added = book.add(toml, "own.toml");
  EXPECT_FALSE(added.has_value()) << toml;
  EXPECT_EQ(book.models().size(), n_models) << "nothing is added by half";
  return added.has_value() ? "" : added.error().message;
}

std::string model(const std::string& fields) { return "[[model]]\n" + fields; }
std::string price(const std::string& figures, const std::string& source = kSource) {
  return model("id = \"x\"\nname = \"X\"\nprice = [\n{ " + figures + ", " + source + " } ]\n");
}

TEST(PriceBook, TheShippedOneHasASourceAndADayForAll) {
  const PriceBook book = PriceBook::shipped();
  for (const char* id : {"minimax-m2", "minimax-m2.1", "minimax-m2.5", "minimax-m2.5-lightning",
                         "minimax-m2.7", "glm-5", "kimi-k2.5", "deepseek-v3.2", "claude-opus-4.5",
                         "claude-opus-4.6", "gpt-5.2", "gemini-3-pro"}) {
    ASSERT_NE(book.find(id), nullptr) << id;
  }
  const auto check = [](const PriceSource& source) {
    EXPECT_FALSE(source.name.empty());
    EXPECT_THAT(source.url, StartsWith("https://"));
    EXPECT_GT(source.date, Day(std::chrono::year(2025) / 10 / 1));
  };
  for (const PricedModel& model : book.models()) {
    EXPECT_TRUE(model.released.has_value()) << model.id;
    for (const ListPrice& price : model.prices) check(price.source);
    for (const StatedSpeed& speed : model.speeds) check(speed.source);
    for (const BenchmarkScore& score : model.scores) check(score.source);
  }
  // Where sources disagree, both are kept.
  EXPECT_EQ(book.find("minimax-m2.5")->prices.size(), 2U);
  EXPECT_EQ(book.find("gemini-3-pro")->scores.size(), 2U);
}

TEST(PriceBook, AFileOfTheUsersExtendsAndComesFirst) {
  PriceBook book = PriceBook::shipped();
  const auto n_models = book.models().size();
  const auto added = book.add(R"(
[[model]]
id = "own-host"
price = [ { output = "0.90", date = 2026-06-01, source = "contract" } ]
[[model]]
id = "claude-opus-4.6"
price = [ { input = 4, output = 20.5, date = 2026-06-01, source = "contract" } ]
)",
                              "own.toml");
  ASSERT_TRUE(added.has_value()) << added.error().message;
  EXPECT_EQ(book.models().size(), n_models + 1);
  const PricedModel& own = *book.find("own-host");
  EXPECT_EQ(own.name, "own-host");
  EXPECT_EQ(own.price().output, Amount::parse("0.9"));
  EXPECT_FALSE(own.price().input.has_value());
  const PricedModel& opus = *book.find("claude-opus-4.6");
  EXPECT_EQ(opus.name, "Claude Opus 4.6");
  EXPECT_EQ(opus.price().output, Amount::parse("20.5"));
  EXPECT_EQ(opus.price().source.book, "own.toml");
  ASSERT_EQ(opus.prices.size(), 2U);
  EXPECT_EQ(opus.prices[1].output, Amount(25));
  EXPECT_EQ(opus.score(), Amount::parse("80.8")) << "what the file does not say stays";
}

TEST(PriceBook, ErrorsNameFileLineAndField) {
  EXPECT_THAT(error_of(price("output = -1")),
              AllOf(StartsWith("own.toml:5:"), HasSubstr("output")));
  EXPECT_THAT(error_of(price("output = 2000000")), HasSubstr("from 0 to 1000000"));
  EXPECT_THAT(error_of(price("output = 0.0000001")), HasSubstr("output must be"));
  EXPECT_THAT(error_of(price("output = nan")), HasSubstr("output must be"));
  EXPECT_THAT(error_of(price("output = inf")), HasSubstr("output must be"));
  EXPECT_THAT(error_of(price("output = true")), HasSubstr("output must be"));
  EXPECT_THAT(error_of(price("output = \"12,5\"")), HasSubstr("output must be"));
  EXPECT_THAT(error_of(price("input = 1")), HasSubstr("a price must have output"));
  EXPECT_THAT(error_of(price("output = 1, per = 5")), HasSubstr("no field 'per'"));
  EXPECT_THAT(error_of(price("output = 1", "source = \"s\"")), HasSubstr("must have a date"));
  EXPECT_THAT(error_of(price("output = 1", "date = 2026-05-01")), HasSubstr("have a source"));
  EXPECT_THAT(error_of(price("output = 1", "date = \"2026-05-01\", source = \"s\"")),
              HasSubstr("without quotes"));
  EXPECT_THAT(error_of(price("output = 1", "date = 2026-02-31, source = \"s\"")),
              StartsWith("own.toml:5:"));
  EXPECT_THAT(error_of(model("name = \"X\"")), HasSubstr("must have a id"));
  EXPECT_THAT(error_of(model("id = \"X Y\"")), AllOf(StartsWith("own.toml:2:"), HasSubstr("id")));
  EXPECT_THAT(error_of(model("id = \"x\"")), HasSubstr("must have a price"));
  EXPECT_THAT(error_of(model("id = \"x\"\nprice = 3")), HasSubstr("a list"));
  EXPECT_THAT(error_of(model("id = \"x\"\nprice = [3]")), HasSubstr("own.toml:3:"));
  EXPECT_THAT(error_of(model("id = \"gpt-5.2\"\nscore = [{ points = 101, " + kSource + " }]")),
              HasSubstr("at most 100"));
  EXPECT_THAT(
      error_of(model("id = \"gpt-5.2\"\nspeed = [{ tokens_per_second = 0, " + kSource + " }]")),
      HasSubstr("more than 0"));
  EXPECT_THAT(error_of("[[modle]]\nid = \"x\""), HasSubstr("own.toml:1: 'modle'"));
  EXPECT_THAT(error_of("model = 5"), HasSubstr("must be a list"));
  EXPECT_THAT(error_of("this is no TOML"), StartsWith("own.toml:1:"));
}

TEST(PriceBook, HostileTextsAreRefused) {
  EXPECT_THAT(error_of(model("id = \"x\"\nname = \"a\\u001b[2Jb\"")), HasSubstr("of one line"));
  EXPECT_THAT(error_of(model("id = \"x\"\nname = \"a\\nb\"")), HasSubstr("of one line"));
  EXPECT_THAT(error_of(model("id = \"x\"\nname = \"\"")), HasSubstr("of one line"));
  EXPECT_THAT(error_of(model("id = \"x\"\nname = \"" + std::string(300, 'a') + "\"")),
              HasSubstr("200 bytes"));
  EXPECT_THAT(error_of(model("id = \"" + std::string(65, 'a') + "\"")), HasSubstr("id must be"));
  EXPECT_THAT(error_of(model("id = \"x\"\n") + model("id = \"x\"\n")), HasSubstr("two models"));
  EXPECT_THAT(error_of("x = " + std::string(5000, '[')), StartsWith("own.toml:1:"));
  EXPECT_THAT(error_of(std::string("model = \"\0\xff\"", 12)), StartsWith("own.toml:1:"));
}

TEST(PriceBook, AnEmptyFileAddsNothing) {
  PriceBook book = PriceBook::shipped();
  const auto n_models = book.models().size();
  EXPECT_TRUE(book.add("", "own.toml").has_value());
  EXPECT_TRUE(book.add("# nothing yet\n", "own.toml").has_value());
  EXPECT_EQ(book.models().size(), n_models);
  EXPECT_FALSE(book.add_file("/none/own.toml").has_value());
}

TEST(PriceBook, AgeIsCountedInDays) {
  PriceSource source;
  source.date = Day(std::chrono::year(2026) / 2 / 13);
  const Day later = Day(std::chrono::year(2026) / 3 / 15);  // 30 days
  EXPECT_FALSE(source.is_older_than(30, later));
  EXPECT_TRUE(source.is_older_than(29, later));
  EXPECT_FALSE(source.is_older_than(0, source.date));
  EXPECT_EQ(day_text(later), "2026-03-15");
}

TEST(PriceBook, SelectsById) {
  const PriceBook book = PriceBook::shipped();
  const std::string ids[] = {"gpt-5.2", "glm-5", "gpt-5.2"};
  const auto chosen = book.select(ids);
  ASSERT_TRUE(chosen.has_value());
  ASSERT_EQ(chosen->size(), 2U);
  EXPECT_EQ((*chosen)[0].id, "gpt-5.2");
  EXPECT_EQ(book.select({})->size(), book.models().size());
  const std::string wrong[] = {"gpt-9"};
  EXPECT_THAT(book.select(wrong).error().message,
              AllOf(HasSubstr("'gpt-9'"), HasSubstr("minimax-m2.5")));
}

}  // namespace
}  // namespace jevons
