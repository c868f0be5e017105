// The price book: for each hosted model its list prices, speed and benchmark score, each with the
// day and the source that says so. One book is built into the program (prices.toml); a user's own
// files extend it or come before it. Values; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/amount.h"
#include "meter/day.h"

namespace jevons {

struct PriceSource {
  std::string name;
  std::string url;   // may be empty
  std::string note;  // what the figure is limited to; may be empty
  Day date;          // when the source said so
  std::string book;  // the file that it stands in; empty: the program's own

  [[nodiscard]] bool is_older_than(int n_days, Day now) const {
    return (now - date).count() > n_days;
  }
};

/// US dollars per million tokens.
struct ListPrice {
  std::optional<Amount> input;   // not known: then only output can be priced
  std::optional<Amount> cached;  // input that was cached; not known: charged as `input`
  Amount output;
  PriceSource source;

  [[nodiscard]] bool has_same_figures(const ListPrice& other) const {
    return input == other.input && cached == other.cached && output == other.output;
  }
};

struct StatedSpeed {
  Amount tokens_per_second;  // of one answer
  PriceSource source;
};

/// SWE-bench Verified, per cent.
struct BenchmarkScore {
  Amount points;
  PriceSource source;
};

/// The first of each list counts; the others are what other sources say.
struct PricedModel {
  std::string id;  // "minimax-m2.5"
  std::string name, vendor;
  std::optional<Day> released;
  std::vector<ListPrice> prices;  // at least one
  std::vector<StatedSpeed> speeds;
  std::vector<BenchmarkScore> scores;

  [[nodiscard]] const ListPrice& price() const { return prices.front(); }
  [[nodiscard]] std::optional<Amount> score() const {
    return scores.empty() ? std::nullopt : std::optional(scores.front().points);
  }
  [[nodiscard]] std::optional<Amount> speed() const {
    return speeds.empty() ? std::nullopt : std::optional(speeds.front().tokens_per_second);
  }
};

class PriceBook {
 public:
  /// The one that is built in.
  [[nodiscard]] static PriceBook shipped();

  /// Adds the models of a TOML text. Of a model that is there already, what the text says comes
  /// first and counts; what was there stays as another source. `name` is the file's, for errors,
  /// which give the line too; nothing is added if there is one.
  [[nodiscard]] Result<void> add(std::string_view toml, const std::string& name);
  /// The same of a file of at most 1 MiB.
  [[nodiscard]] Result<void> add_file(const std::string& path);

  /// In the order in which they were added.
  [[nodiscard]] std::span<const PricedModel> models() const { return models_; }
  /// nullptr: none of that id.
  [[nodiscard]] const PricedModel* find(std::string_view id) const;
  /// The models of these ids, in their order; none: all. Errors name the id and what there is.
  [[nodiscard]] Result<std::vector<PricedModel>> select(std::span<const std::string> ids) const;

 private:
  std::vector<PricedModel> models_;
};

}  // namespace jevons
