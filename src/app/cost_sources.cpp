#include "app/cost_sources.h"

#include "app/cost_words.h"
#include "app/term/bars.h"

namespace jevons {
namespace {

constexpr int kIndent = 6;

std::string line(const CostInputs& inputs, const std::string& figure, const PriceSource& source,
                 int columns) {
  std::string text = wrapped(
      fmt::format("  {}: {}{}", figure, source_words(source), inputs.is_stale(source) ? " *" : ""),
      columns, kIndent);
  // An address is not cut: it is there to be copied.
  if (!source.url.empty()) text += fmt::format("      {}\n", source.url);
  if (!source.book.empty()) text += fmt::format("      from {}\n", source.book);
  return text;
}

}  // namespace

std::string sources_text(const CostInputs& inputs, int columns) {
  std::string text =
      fmt::format("In {}, per million tokens. The first of each counts.\n", inputs.currency);
  for (const PricedModel& model : inputs.models) {
    text += fmt::format("\n{} ({})\n", model.name, model.id);
    std::string facts = model.vendor;
    if (model.released) {
      facts += fmt::format("{}released {}", facts.empty() ? "" : ", ", day_text(*model.released));
    }
    if (!facts.empty()) text += "  " + facts + "\n";
    for (const ListPrice& price : model.prices) {
      text += line(inputs,
                   fmt::format("input {}, cached {}, output {}", price_words(price.input),
                               price_words(price.cached), price_words(price.output)),
                   price.source, columns);
    }
    for (const StatedSpeed& speed : model.speeds) {
      text += line(inputs, speed.tokens_per_second.shortest() + " tokens per second", speed.source,
                   columns);
    }
    for (const BenchmarkScore& score : model.scores) {
      text += line(inputs, "SWE-bench Verified " + score.points.text(1), score.source, columns);
    }
  }
  const std::string stale = stale_words(inputs, columns);
  return stale.empty() ? text : text + "\n" + stale;
}

}  // namespace jevons
