// Any text as a price book of the user's: an error with its place, or models whose figures are all
// within their limits, which can be priced and drawn.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "meter/price_book.h"
#include "meter/price_trend.h"
#include "meter/salary.h"
#include "meter/svg_chart.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jevons;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  PriceBook book;
  const auto added = book.add(text, "book");
  if (!added) {
    JEVONS_CHECK(added.error().message.starts_with("book:"));
    JEVONS_CHECK(book.models().empty());
    return 0;
  }
  const YearTokens tokens =
      year_tokens({kMostTokensPerSecond, 24, kMostInputRatio, Amount::of_micro(500'000)});
  BarChart bars;
  for (const PricedModel& model : book.models()) {
    JEVONS_CHECK(!model.id.empty() && !model.name.empty() && !model.prices.empty());
    for (const ListPrice& price : model.prices) {
      const auto cost = hosted_cost(price, tokens);
      JEVONS_CHECK(cost.has_value() == price.input.has_value());
      if (cost) JEVONS_CHECK(*cost >= Amount(0));
      bars.bars.push_back({model.name, price.output.as_double(), price.output.text(2), 0});
      JEVONS_CHECK(day_text(price.source.date).size() == 10);
    }
  }
  const PriceTrend trend = price_trend(book.models());
  JEVONS_CHECK(trend.releases.size() + trend.left_out.size() == book.models().size());
  JEVONS_CHECK(svg_of(bars).ends_with("</svg>\n"));
  return 0;
}
