// Score against price over the dated releases of a price book. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "meter/price_book.h"

namespace jevons {

struct TrendRelease {
  const PricedModel* model;  // of the span that was given
  Day released;
  Amount points, output;
};

/// First and last release of a maker who has several with different scores.
struct TrendOfVendor {
  std::string vendor;
  TrendRelease first, last;
};

struct PriceTrend {
  std::vector<TrendRelease> releases;  // by day, then by price
  std::vector<TrendOfVendor> vendors;
  std::vector<const PricedModel*> left_out;  // without a day or a score
};

/// `models` must outlive the result.
[[nodiscard]] PriceTrend price_trend(std::span<const PricedModel> models);

/// The releases of one vendor from day to day, of several on one day the cheapest.
[[nodiscard]] std::vector<TrendRelease> releases_of(const PriceTrend& trend,
                                                    const std::string& vendor);

}  // namespace jevons
