#include "meter/price_book.h"

#include <algorithm>
#include <iterator>

#include "base/atomic_file.h"
#include "base/check.h"
#include "meter/price_book_reader.h"
#include "meter/shipped_prices.h"

namespace jevons {
namespace {

constexpr std::uint64_t kLargestFile = 1 << 20;

// `added` comes first.
template <typename T>
void put_before(std::vector<T>& known, std::vector<T> added) {
  added.insert(added.end(), std::make_move_iterator(known.begin()),
               std::make_move_iterator(known.end()));
  known = std::move(added);
}

void merge(PricedModel& known, PricedModel added) {
  if (!added.name.empty()) known.name = std::move(added.name);
  if (!added.vendor.empty()) known.vendor = std::move(added.vendor);
  if (added.released) known.released = added.released;
  put_before(known.prices, std::move(added.prices));
  put_before(known.speeds, std::move(added.speeds));
  put_before(known.scores, std::move(added.scores));
}

Result<void> add_models(std::vector<PricedModel>& models, std::vector<PricedModel> added,
                        const std::string& name) {
  for (PricedModel& model : added) {
    const auto known = std::ranges::find(models, model.id, &PricedModel::id);
    if (known != models.end()) {
      merge(*known, std::move(model));
      continue;
    }
    if (model.name.empty()) model.name = model.id;
    if (model.prices.empty()) {
      return fail("{}: '{}' is a new model, and must have a price", name, model.id);
    }
    models.push_back(std::move(model));
  }
  return {};
}

}  // namespace

PriceBook PriceBook::shipped() {
  PriceBook book;
  auto models = read_price_book(kShippedPrices, "the program's price book", "");
  JEVONS_CHECK(models.has_value());
  JEVONS_CHECK(add_models(book.models_, *std::move(models), "").has_value());
  return book;
}

Result<void> PriceBook::add(std::string_view toml, const std::string& name) {
  JEVONS_ASSIGN(std::vector<PricedModel> added, read_price_book(toml, name, name));
  std::vector<PricedModel> all = models_;
  JEVONS_TRY(add_models(all, std::move(added), name));
  models_ = std::move(all);
  return {};
}

Result<void> PriceBook::add_file(const std::string& path) {
  JEVONS_ASSIGN(const std::string text, read_file(path, kLargestFile));
  return add(text, path);
}

const PricedModel* PriceBook::find(std::string_view id) const {
  const auto found = std::ranges::find(models_, id, &PricedModel::id);
  return found == models_.end() ? nullptr : &*found;
}

Result<std::vector<PricedModel>> PriceBook::select(std::span<const std::string> ids) const {
  if (ids.empty()) return models_;
  std::vector<PricedModel> chosen;
  chosen.reserve(ids.size());
  for (const std::string& id : ids) {
    const PricedModel* model = find(id);
    if (model == nullptr) {
      std::string known;
      for (const PricedModel& other : models_) known += (known.empty() ? "" : ", ") + other.id;
      return fail("there is no model '{}' in the price book; there are {}", id, known);
    }
    if (std::ranges::find(chosen, id, &PricedModel::id) == chosen.end()) chosen.push_back(*model);
  }
  return chosen;
}

}  // namespace jevons
