// Any text as a tariff of either kind and as the rule of a time zone: an error with its place, or
// prices and clocks that are within their limits at all times.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "meter/tariff.h"

namespace {

constexpr std::int64_t kTimes[] = {-3'000'000'000, 0,
                                   1'770'123'600,   // 2026
                                   1'774'746'000,   // the hour at which clocks are changed
                                   4'118'083'200};  // 2100

void check_prices(const jevons::Tariff& tariff) {
  JEVONS_CHECK(!tariff.currency().empty());
  for (const std::int64_t at : kTimes) {
    const auto price = tariff.price_at(at);
    if (price) JEVONS_CHECK(std::abs(*price) <= jevons::kMostKwhPrice);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace jevons;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto tariff = Tariff::parse_toml(text, "t.toml", "")) {
    check_prices(*tariff);
  } else {
    JEVONS_CHECK(tariff.error().message.starts_with("t.toml:"));
  }
  if (const auto tariff = Tariff::parse_csv(text, "t.csv", "EUR")) {
    check_prices(*tariff);
    const Tariff::Mean mean = tariff->mean(kTimes[2]);
    JEVONS_CHECK(std::abs(mean.price) <= kMostKwhPrice && mean.days > 0 && mean.days <= 365);
  } else {
    JEVONS_CHECK(tariff.error().message.starts_with("t.csv"));
  }
  if (const auto rule = ZoneRule::parse(text)) {
    // POSIX knows offsets of up to 24 hours, RFC 9636 of up to 167.
    for (const std::int64_t at : kTimes) JEVONS_CHECK(std::abs(rule->offset_at(at)) <= 168 * 3600);
  }
  return 0;
}
