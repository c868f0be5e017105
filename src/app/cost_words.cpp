#include "app/cost_words.h"

#include <algorithm>

#include "app/term/bars.h"

namespace jevons {
namespace {

constexpr int kIndent = 2;

std::string price_line(const ListPrice& price) {
  return fmt::format("input {}, cached {}, output {}", price_words(price.input),
                     price_words(price.cached), price_words(price.output));
}

// "X (source) or Y (source)"; empty if all say the same.
template <typename T, typename Words>
std::string alternatives(const std::vector<T>& said, Words words) {
  std::string line;
  std::vector<std::string> seen;
  for (const T& item : said) {
    const std::string figure = words(item);
    if (std::ranges::find(seen, figure) != seen.end()) continue;
    seen.push_back(figure);
    line += fmt::format("{}{} ({})", line.empty() ? "" : " or ", figure, source_words(item.source));
  }
  return seen.size() > 1 ? line : "";
}

}  // namespace

std::string price_words(const std::optional<Amount>& price) {
  if (!price) return "-";
  constexpr std::size_t kPlaces = 2;
  std::string words = price->shortest();
  const std::size_t point = words.find('.');
  const std::size_t n_places = point == std::string::npos ? 0 : words.size() - point - 1;
  return n_places < kPlaces ? price->text(kPlaces) : words;
}

std::string money_words(const std::optional<Amount>& money, int places) {
  return money ? money->text(places) : "-";
}

std::string per_point_words(const std::optional<Amount>& money) {
  return money_words(money, money && *money < Amount(1000) ? 2 : 0);
}

std::string workload_words(const Workload& workload, int columns) {
  const YearTokens tokens = year_tokens(workload);
  std::string words = fmt::format(
      "One agent that writes {} tokens per second, {} hours a day, 365 days: {} million tokens a "
      "year.",
      workload.tokens_per_second.shortest(), workload.hours_per_day.shortest(),
      tokens.output.text(0));
  if (workload.input_ratio > Amount(0)) {
    words +=
        fmt::format(" It reads {} for each: {} million, and {} million from a cache.",
                    workload.input_ratio.shortest(), tokens.input.text(0), tokens.cached.text(0));
  } else {
    words += " What it reads is not counted (--input-ratio).";
  }
  return wrapped(words, columns);
}

std::string marked_name(const CostInputs& inputs, const PricedModel& model) {
  return inputs.is_stale(model.price().source) ? model.name + " *" : model.name;
}

std::string source_words(const PriceSource& source) {
  return source.name + (source.note.empty() ? "" : ", " + source.note) + ", " +
         day_text(source.date);
}

std::string stale_words(const CostInputs& inputs, int columns) {
  const auto n_stale = std::ranges::count_if(inputs.models, [&](const PricedModel& model) {
    return inputs.is_stale(model.price().source);
  });
  if (n_stale == 0) return "";
  return wrapped(fmt::format("* {} of {} prices are older than {} days and may have changed; a "
                             "file of your own puts newer ones before them (--prices).",
                             n_stale, inputs.models.size(), inputs.stale_days),
                 columns, kIndent);
}

std::string disagreement_words(const CostInputs& inputs, int columns) {
  std::string lines;
  const auto add = [&](const PricedModel& model, const char* what, const std::string& said) {
    if (said.empty()) return;
    lines += wrapped(fmt::format("  {}, {}: {}", model.name, what, said), columns, 2 * kIndent);
  };
  for (const PricedModel& model : inputs.models) {
    add(model, "price", alternatives(model.prices, price_line));
    add(model, "tokens per second", alternatives(model.speeds, [](const StatedSpeed& speed) {
          return speed.tokens_per_second.shortest();
        }));
    add(model, "score", alternatives(model.scores, [](const BenchmarkScore& score) {
          return score.points.text(1);
        }));
  }
  return lines.empty() ? "" : "Where sources disagree, the first counts:\n" + lines;
}

}  // namespace jevons
