#include "meter/price_share.h"

#include <optional>

namespace jevons {
namespace {

// 0.048 as "5".
std::string whole_per_cent(Amount share) { return (share * 100).text(0); }

struct PriceKind {
  const char* name;
  std::optional<Amount> (*of)(const ListPrice& price);
};
constexpr PriceKind kKinds[] = {
    {"input", [](const ListPrice& price) { return price.input; }},
    {"cached input", [](const ListPrice& price) { return price.cached; }},
    {"output", [](const ListPrice& price) { return std::optional(price.output); }},
};

}  // namespace

PriceShare price_share(const PricedModel& model, const PricedModel& other, Amount quoted) {
  PriceShare result;
  result.share = model.price().output / other.price().output;
  result.needed = other.price().output * quoted;
  result.needed_other = model.price().output / quoted;
  for (const PriceKind& kind : kKinds) {
    for (const ListPrice& own : model.prices) {
      for (const ListPrice& theirs : other.prices) {
        const auto price = kind.of(own);
        const auto other_price = kind.of(theirs);
        if (!price || !other_price || *other_price == Amount(0)) continue;
        if (whole_per_cent(*price / *other_price) != whole_per_cent(quoted)) continue;
        result.matches.push_back({kind.name, *price, *other_price, own.source, theirs.source});
      }
    }
  }
  return result;
}

}  // namespace jevons
