#include "meter/price_book_reader.h"

#include <toml++/toml.h>

#include <algorithm>

namespace jevons {
namespace {

constexpr std::size_t kLongestText = 200;
constexpr std::size_t kLongestId = 64;
constexpr int kMostPrice = 1'000'000;
constexpr int kMostSpeed = 1'000'000;
constexpr int kMostPoints = 100;

struct Limits {
  Amount low, high;
  const char* text;
};
const Limits kPriceLimits = {0, kMostPrice, "from 0 to 1000000"};
const Limits kSpeedLimits = {Amount::of_micro(1), kMostSpeed, "more than 0 and at most 1000000"};
const Limits kPointLimits = {Amount::of_micro(1), kMostPoints, "more than 0 and at most 100"};

// One table of the file; every error has the line of the field, or of the table.
class TableReader {
 public:
  TableReader(const toml::table& table, const std::string& file) : table_(table), file_(file) {}

  Result<void> allow(std::span<const std::string_view> names, std::string_view what) const {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(names, key.str()) == names.end()) {
        return fail("{}: {} has no field '{}'", place(key.source()), what, key.str());
      }
    }
    return {};
  }

  Result<std::optional<std::string>> text(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_string();
    const bool is_good =
        value != nullptr && !value->get().empty() && value->get().size() <= kLongestText &&
        std::ranges::none_of(
            value->get(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
    if (!is_good) {
      return fail("{}: {} must be a text of one line, of 1 to {} bytes", place(name), name,
                  kLongestText);
    }
    return value->get();
  }

  Result<std::string> needed_text(std::string_view name, std::string_view what) const {
    JEVONS_ASSIGN(const auto found, text(name));
    if (!found) return fail("{}: {} must have a {}", place(), what, name);
    return *found;
  }

  // 1.2 is read as a binary number and written in as few digits as tell it from its neighbours;
  // those are the digits of the file.
  Result<std::optional<Amount>> number(std::string_view name, const Limits& limits) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return std::nullopt;
    std::string digits;
    if (const auto* whole = node->as_integer()) digits = fmt::format("{}", whole->get());
    if (const auto* real = node->as_floating_point()) digits = fmt::format("{}", real->get());
    if (const auto* quoted = node->as_string()) digits = quoted->get();
    const auto parsed = Amount::parse(digits);
    if (!parsed) return fail("{}: {} must be {}", place(name), name, parsed.error().message);
    if (*parsed < limits.low || *parsed > limits.high) {
      return fail("{}: {} is {}, and must be {}", place(name), name, parsed->shortest(),
                  limits.text);
    }
    return *parsed;
  }

  Result<Amount> needed_number(std::string_view name, const Limits& limits,
                               std::string_view what) const {
    JEVONS_ASSIGN(const auto found, number(name, limits));
    if (!found) return fail("{}: {} must have {}", place(), what, name);
    return *found;
  }

  Result<std::optional<Day>> day(std::string_view name) const {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return std::nullopt;
    const auto* value = node->as_date();
    if (value == nullptr) {
      return fail("{}: {} must be a day such as 2026-02-13, without quotes", place(name), name);
    }
    const toml::date& date = value->get();
    return Day(std::chrono::year(date.year) / date.month / date.day);
  }

  // The tables of a list; none if the field is absent.
  Result<std::vector<TableReader>> tables(std::string_view name) const {
    std::vector<TableReader> found;
    const toml::node* node = table_.get(name);
    if (node == nullptr) return found;
    const auto* list = node->as_array();
    if (list == nullptr) return fail("{}: {} must be a list of tables", place(name), name);
    for (const toml::node& item : *list) {
      const auto* table = item.as_table();
      if (table == nullptr) {
        return fail("{}: each {} must be a table {{ ... }}", place(item.source()), name);
      }
      found.emplace_back(*table, file_);
    }
    return found;
  }

  Result<PriceSource> source(std::string_view what, const std::string& book) const {
    PriceSource source;
    JEVONS_ASSIGN(source.name, needed_text("source", what));
    JEVONS_ASSIGN(const auto url, text("url"));
    JEVONS_ASSIGN(const auto note, text("note"));
    JEVONS_ASSIGN(const auto date, day("date"));
    if (!date) return fail("{}: {} must have a date", place(), what);
    source.url = url.value_or("");
    source.note = note.value_or("");
    source.date = *date;
    source.book = book;
    return source;
  }

  std::string place() const { return place(table_.source()); }
  std::string place(std::string_view name) const {
    const toml::node* node = table_.get(name);
    return place(node == nullptr ? table_.source() : node->source());
  }

 private:
  std::string place(const toml::source_region& region) const {
    return fmt::format("{}:{}", file_, region.begin.line);
  }

  const toml::table& table_;
  const std::string& file_;
};

Result<ListPrice> read_price(const TableReader& table, const std::string& book) {
  constexpr std::string_view kNames[] = {"input",  "cached", "output", "date",
                                         "source", "url",    "note"};
  JEVONS_TRY(table.allow(kNames, "a price"));
  ListPrice price;
  JEVONS_ASSIGN(price.input, table.number("input", kPriceLimits));
  JEVONS_ASSIGN(price.cached, table.number("cached", kPriceLimits));
  JEVONS_ASSIGN(price.output, table.needed_number("output", kPriceLimits, "a price"));
  JEVONS_ASSIGN(price.source, table.source("a price", book));
  return price;
}

Result<StatedSpeed> read_speed(const TableReader& table, const std::string& book) {
  constexpr std::string_view kNames[] = {"tokens_per_second", "date", "source", "url", "note"};
  JEVONS_TRY(table.allow(kNames, "a speed"));
  StatedSpeed speed;
  JEVONS_ASSIGN(speed.tokens_per_second,
                table.needed_number("tokens_per_second", kSpeedLimits, "a speed"));
  JEVONS_ASSIGN(speed.source, table.source("a speed", book));
  return speed;
}

Result<BenchmarkScore> read_score(const TableReader& table, const std::string& book) {
  constexpr std::string_view kNames[] = {"points", "date", "source", "url", "note"};
  JEVONS_TRY(table.allow(kNames, "a score"));
  BenchmarkScore score;
  JEVONS_ASSIGN(score.points, table.needed_number("points", kPointLimits, "a score"));
  JEVONS_ASSIGN(score.source, table.source("a score", book));
  return score;
}

template <typename T>
Result<std::vector<T>> read_list(const TableReader& model, std::string_view name,
                                 const std::string& book,
                                 Result<T> (*read)(const TableReader&, const std::string&)) {
  JEVONS_ASSIGN(const std::vector<TableReader> tables, model.tables(name));
  std::vector<T> list;
  list.reserve(tables.size());
  for (const TableReader& table : tables) {
    JEVONS_ASSIGN(T item, read(table, book));
    list.push_back(std::move(item));
  }
  return list;
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
  });
}

Result<PricedModel> read_model(const TableReader& table, const std::string& book) {
  constexpr std::string_view kNames[] = {"id",    "name",  "vendor", "released",
                                         "price", "speed", "score"};
  JEVONS_TRY(table.allow(kNames, "a model"));
  PricedModel model;
  JEVONS_ASSIGN(model.id, table.needed_text("id", "a model"));
  if (!is_id(model.id)) {
    return fail("{}: id must be 1 to {} small letters, digits and . - _", table.place("id"),
                kLongestId);
  }
  JEVONS_ASSIGN(const auto name, table.text("name"));
  JEVONS_ASSIGN(const auto vendor, table.text("vendor"));
  model.name = name.value_or("");
  model.vendor = vendor.value_or("");
  JEVONS_ASSIGN(model.released, table.day("released"));
  JEVONS_ASSIGN(model.prices, read_list<ListPrice>(table, "price", book, read_price));
  JEVONS_ASSIGN(model.speeds, read_list<StatedSpeed>(table, "speed", book, read_speed));
  JEVONS_ASSIGN(model.scores, read_list<BenchmarkScore>(table, "score", book, read_score));
  return model;
}

Result<std::vector<PricedModel>> read_models(const toml::table& root, const std::string& name,
                                             const std::string& book) {
  const TableReader file(root, name);
  for (const auto& [key, node] : root) {
    if (key.str() == "model") continue;
    return fail("{}:{}: '{}' is not known here; each model is a table [[model]]", name,
                key.source().begin.line, key.str());
  }
  JEVONS_ASSIGN(const std::vector<TableReader> tables, file.tables("model"));
  std::vector<PricedModel> models;
  models.reserve(tables.size());
  for (const TableReader& table : tables) {
    JEVONS_ASSIGN(PricedModel model, read_model(table, book));
    for (const PricedModel& other : models) {
      if (other.id == model.id) return fail("{}: two models are '{}'", table.place(), model.id);
    }
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace

Result<std::vector<PricedModel>> read_price_book(std::string_view toml, const std::string& name,
                                                 const std::string& book) {
  try {
    return read_models(toml::parse(toml, name), name, book);
  } catch (const toml::parse_error& error) {
    return fail("{}:{}: {}", name, error.source().begin.line, error.description());
  }
}

}  // namespace jevons
