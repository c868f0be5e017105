#include "meter/price_trend.h"

#include <algorithm>
#include <tuple>

namespace jevons {

PriceTrend price_trend(std::span<const PricedModel> models) {
  PriceTrend trend;
  for (const PricedModel& model : models) {
    const auto points = model.score();
    if (!points || !model.released) {
      trend.left_out.push_back(&model);
      continue;
    }
    trend.releases.push_back({&model, *model.released, *points, model.price().output});
  }
  std::ranges::stable_sort(trend.releases, {}, [](const TrendRelease& release) {
    return std::make_tuple(release.released, release.output);
  });
  std::vector<std::string> seen;
  for (const TrendRelease& release : trend.releases) {
    const std::string& vendor = release.model->vendor;
    if (vendor.empty() || std::ranges::find(seen, vendor) != seen.end()) continue;
    seen.push_back(vendor);
    const auto own = releases_of(trend, vendor);
    if (own.size() > 1 && own.front().points != own.back().points) {
      trend.vendors.push_back({vendor, own.front(), own.back()});
    }
  }
  return trend;
}

std::vector<TrendRelease> releases_of(const PriceTrend& trend, const std::string& vendor) {
  std::vector<TrendRelease> own;
  for (const TrendRelease& release : trend.releases) {
    if (release.model->vendor != vendor) continue;
    // By day, then by price: the first of a day is the cheapest.
    if (!own.empty() && own.back().released == release.released) continue;
    own.push_back(release);
  }
  return own;
}

}  // namespace jevons
