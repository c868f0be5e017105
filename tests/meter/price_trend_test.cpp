#include "meter/price_trend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jevons {
namespace {

using testing::ElementsAre;

PricedModel release(const std::string& id, const std::string& vendor, int day, int output,
                    int points) {
  PricedModel model;
  model.id = id;
  model.vendor = vendor;
  if (day > 0) model.released = Day(std::chrono::days(day));
  model.prices.push_back({std::nullopt, std::nullopt, Amount(output), {}});
  if (points > 0) model.scores.push_back({Amount(points), {}});
  return model;
}

std::vector<std::string> ids(const std::vector<TrendRelease>& releases) {
  std::vector<std::string> names;
  names.reserve(releases.size());
  for (const TrendRelease& one : releases) names.push_back(one.model->id);
  return names;
}

TEST(PriceTrend, OrdersByDayAndThenByPrice) {
  const PricedModel models[] = {
      release("late", "A", 30, 1, 70),     release("same-day-dear", "A", 20, 5, 60),
      release("same-day", "A", 20, 2, 60), release("first", "A", 10, 3, 50),
      release("no-score", "A", 40, 1, 0),  release("no-day", "A", 0, 1, 90),
      release("other", "B", 15, 1, 55),    release("nobody's", "", 1, 1, 10),
      release("nobody's-2", "", 2, 1, 20)};
  const PriceTrend trend = price_trend(models);
  EXPECT_THAT(ids(trend.releases), ElementsAre("nobody's", "nobody's-2", "first", "other",
                                               "same-day", "same-day-dear", "late"));
  EXPECT_THAT(ids(releases_of(trend, "A")), ElementsAre("first", "same-day", "late"));
  ASSERT_EQ(trend.vendors.size(), 1U) << "one release is no trend, and nobody has none";
  EXPECT_EQ(trend.vendors[0].first.model->id, "first");
  EXPECT_EQ(trend.vendors[0].last.model->id, "late");
  ASSERT_EQ(trend.left_out.size(), 2U);
  EXPECT_EQ(trend.left_out[0]->id, "no-score");
}

TEST(PriceTrend, OfTheShippedBookShowsTheFamily) {
  const PriceBook book = PriceBook::shipped();
  const PriceTrend trend = price_trend(book.models());
  EXPECT_THAT(ids(releases_of(trend, "MiniMax")),
              ElementsAre("minimax-m2", "minimax-m2.1", "minimax-m2.5"));
}

}  // namespace
}  // namespace jevons
