#include "app/cost_trend.h"

#include <algorithm>

#include "app/cost_words.h"
#include "app/term/bars.h"
#include "app/term/table.h"
#include "meter/svg_chart.h"

namespace jevons {
namespace {

constexpr int kIndent = 2;

// a to z, then A to Z; further ones share a mark.
char mark_of(std::size_t i) {
  constexpr std::string_view kMarks = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return i < kMarks.size() ? kMarks[i] : '+';
}

// "2026-02".
std::string month_text(Day day) { return day_text(day).substr(0, 7); }

std::string vendor_words(const TrendOfVendor& of, int columns) {
  const std::string price =
      of.first.output == of.last.output
          ? "at the same price, " + price_words(of.last.output)
          : fmt::format("from {} to {}", price_words(of.first.output), price_words(of.last.output));
  return wrapped(fmt::format("{}: {} to {} points in {} days ({} to {}), output {} per million "
                             "tokens.",
                             of.vendor, of.first.points.text(1), of.last.points.text(1),
                             (of.last.released - of.first.released).count(), of.first.model->name,
                             of.last.model->name, price),
                 columns, kIndent);
}

std::string left_out_words(const PriceTrend& trend, int columns) {
  if (trend.left_out.empty()) return "";
  std::string names;
  for (const PricedModel* model : trend.left_out) {
    names += (names.empty() ? "" : ", ") + model->name;
  }
  return wrapped("Not shown, for want of a score or a day of release: " + names + ".", columns,
                 kIndent);
}

}  // namespace

TrendReport TrendReport::of(const CostInputs& inputs) {
  return {&inputs, year_tokens(inputs.workload), price_trend(inputs.models)};
}

std::string TrendReport::text(int columns) const {
  const CostInputs& in = *inputs;
  TextTable table(
      {"", "released", "model", ">input", ">output", ">a year", ">score", ">per point"});
  std::vector<TextPoint> points;
  for (std::size_t i = 0; i < trend.releases.size(); ++i) {
    const TrendRelease& release = trend.releases[i];
    const auto year = hosted_cost(release.model->price(), tokens);
    const auto per_point = year ? std::optional(*year / release.points) : std::nullopt;
    table.add_row({std::string(1, mark_of(i)), day_text(release.released),
                   marked_name(in, *release.model), price_words(release.model->price().input),
                   price_words(release.output), money_words(year, 0), release.points.text(1),
                   per_point_words(per_point)});
    if (release.output > Amount(0)) {
      points.push_back({release.output.as_double(), release.points.as_double(), mark_of(i)});
    }
  }
  std::string out = workload_words(in.workload, columns) + "\n";
  out +=
      trend.releases.empty() ? "No release has both a day and a score.\n" : table.render(columns);
  if (!points.empty()) out += "\n";
  out += text_scatter(
      points, fmt::format(" {} per million tokens of output, logarithmic ", in.currency),
      "SWE-bench Verified (the letters are those of the table; *: several)", columns);
  std::string notes;
  for (const TrendOfVendor& of : trend.vendors) notes += vendor_words(of, columns);
  if (!notes.empty()) out += "\n" + notes;
  for (const std::string& words : {left_out_words(trend, columns), disagreement_words(in, columns),
                                   stale_words(in, columns)}) {
    if (!words.empty()) out += "\n" + words;
  }
  return out;
}

std::string TrendReport::svg() const {
  XyChart chart;
  chart.title = "Score against price";
  chart.subtitle = "Lines join the releases of a maker in the order of their days";
  chart.x = {inputs->currency + " per million tokens of output", true, {}, {}};
  chart.y = {"SWE-bench Verified, per cent", false, {}, {}};
  std::vector<std::string> vendors;
  for (const TrendRelease& release : trend.releases) {
    if (!(release.output > Amount(0))) continue;
    const std::string& vendor = release.model->vendor;
    const auto known = std::ranges::find(vendors, vendor);
    const auto color = static_cast<int>(known - vendors.begin());
    chart.points.push_back({release.output.as_double(), release.points.as_double(),
                            release.model->name + ", " + month_text(release.released), color,
                            false});
    if (known != vendors.end()) continue;
    vendors.push_back(vendor);
    ChartLine line;
    line.color = color;
    for (const TrendRelease& own : releases_of(trend, vendor)) {
      if (vendor.empty() || !(own.output > Amount(0))) continue;
      line.points.push_back({own.output.as_double(), own.points.as_double(), "", 0, false});
    }
    chart.lines.push_back(std::move(line));
  }
  return svg_of(chart);
}

}  // namespace jevons
