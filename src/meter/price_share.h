// What part of another model's price a model costs, and what prices a quoted part would take.
// Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "meter/price_book.h"

namespace jevons {

struct PriceShare {
  Amount share;         // of output prices, 0.048
  Amount needed;        // output price that would be the quoted part of the other's
  Amount needed_other;  // output price of the other that would make it so
  /// Prices in the book, of whatever kind and source, whose part rounds to the quoted per cent.
  struct Match {
    std::string kind;  // "input"
    Amount price, other_price;
    PriceSource source, other_source;
  };
  std::vector<Match> matches;
};

/// `quoted`: 0.03. All prices of both are looked at. The other's output price is not 0.
[[nodiscard]] PriceShare price_share(const PricedModel& model, const PricedModel& other,
                                     Amount quoted);

}  // namespace jevons
