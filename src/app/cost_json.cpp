// What the views of `jevons cost` say, as JSON. Amounts are numbers in the currency that the
// object names; null stands for what is not known.
#include <nlohmann/json.hpp>

#include "app/cost_break_even.h"
#include "app/cost_salary.h"
#include "app/cost_sources.h"
#include "app/cost_trend.h"

namespace jevons {
namespace {

using Json = nlohmann::ordered_json;

Json number(Amount value) { return value.as_double(); }
Json number(const std::optional<Amount>& value) { return value ? number(*value) : Json(); }

Json source_json(const CostInputs& inputs, const PriceSource& source) {
  return {{"source", source.name},
          {"date", day_text(source.date)},
          {"url", source.url.empty() ? Json() : Json(source.url)},
          {"note", source.note.empty() ? Json() : Json(source.note)},
          {"book", source.book.empty() ? Json() : Json(source.book)},
          {"is_stale", inputs.is_stale(source)}};
}

Json with_source(Json figures, const CostInputs& inputs, const PriceSource& source) {
  figures.update(source_json(inputs, source));
  return figures;
}

Json model_json(const CostInputs& inputs, const PricedModel& model) {
  Json prices = Json::array(), speeds = Json::array(), scores = Json::array();
  for (const ListPrice& price : model.prices) {
    prices.push_back(with_source({{"input", number(price.input)},
                                  {"cached", number(price.cached)},
                                  {"output", number(price.output)}},
                                 inputs, price.source));
  }
  for (const StatedSpeed& speed : model.speeds) {
    speeds.push_back(with_source({{"tokens_per_second", number(speed.tokens_per_second)}}, inputs,
                                 speed.source));
  }
  for (const BenchmarkScore& score : model.scores) {
    scores.push_back(with_source({{"points", number(score.points)}}, inputs, score.source));
  }
  return {{"id", model.id},
          {"name", model.name},
          {"vendor", model.vendor.empty() ? Json() : Json(model.vendor)},
          {"released", model.released ? Json(day_text(*model.released)) : Json()},
          {"prices_per_million", std::move(prices)},
          {"speeds", std::move(speeds)},
          {"scores", std::move(scores)}};
}

Json workload_json(const Workload& workload) {
  const YearTokens tokens = year_tokens(workload);
  return {{"tokens_per_second", number(workload.tokens_per_second)},
          {"hours_per_day", number(workload.hours_per_day)},
          {"days_per_year", kDaysPerYear},
          {"input_ratio", number(workload.input_ratio)},
          {"cache_share", number(workload.cache_share)},
          {"million_output_tokens", number(tokens.output)},
          {"million_input_tokens", number(tokens.input)},
          {"million_cached_tokens", number(tokens.cached)}};
}

Json inputs_json(const CostInputs& inputs, const Workload& workload) {
  return {{"currency", inputs.currency},
          {"exchange", number(inputs.exchange)},
          {"day", day_text(inputs.day)},
          {"stale_days", inputs.stale_days},
          {"workload", workload_json(workload)}};
}

Json figure_json(const std::optional<KnownFigure>& figure) {
  if (!figure) return {};
  return {{"value", number(figure->value)}, {"source", figure->source}};
}

Json machine_json(const OwnMachine& machine, const MachineYear& year) {
  return {{"tokens_per_second", figure_json(machine.tokens_per_second)},
          {"prompt_tokens_per_second", figure_json(machine.prompt_tokens_per_second)},
          {"watts", figure_json(machine.watts)},
          {"idle_watts", figure_json(machine.idle_watts)},
          {"kwh_price", figure_json(machine.kwh_price)},
          {"hardware_price", figure_json(machine.hardware_price)},
          {"life_years", figure_json(machine.life_years)},
          {"missing", year.missing},
          {"n_machines", year.n_machines ? Json(*year.n_machines) : Json()},
          {"busy_hours", number(year.busy_hours)},
          {"kwh", number(year.kwh)},
          {"energy_cost", number(year.energy_cost)},
          {"hardware_cost", number(year.hardware_cost)},
          {"year_cost", number(year.cost)},
          {"cost_per_million_output", number(year.cost_per_million)}};
}

Json share_json(const CostInputs& inputs, const QuotedShare& quoted) {
  Json matches = Json::array();
  for (const PriceShare::Match& match : quoted.share.matches) {
    matches.push_back({{"kind", match.kind},
                       {"price", number(match.price)},
                       {"other_price", number(match.other_price)},
                       {"source", source_json(inputs, match.source)},
                       {"other_source", source_json(inputs, match.other_source)}});
  }
  return {{"model", quoted.model->id},
          {"other", quoted.other->id},
          {"output_share", number(quoted.share.share)},
          {"quoted_share", number(quoted.quoted)},
          {"needed_output_price", number(quoted.share.needed)},
          {"needed_other_output_price", number(quoted.share.needed_other)},
          {"matches", std::move(matches)}};
}

}  // namespace

std::string SalaryReport::json() const {
  Json out = inputs_json(*inputs, inputs->workload);
  out["models"] = Json::array();
  for (const SalaryRow& row : rows) {
    Json model = model_json(*inputs, *row.model);
    model["year_cost"] = number(row.year);
    model["year_cost_per_point"] = number(row.per_point);
    model["other_year_costs"] = Json::array();
    for (const auto& other : row.other_years) model["other_year_costs"].push_back(number(other));
    out["models"].push_back(std::move(model));
  }
  out["machine"] = machine_json(inputs->machine, machine);
  out["machine"]["runs"] = inputs->runs ? Json(inputs->runs->id) : Json();
  out["machine"]["year_cost_per_point"] = number(machine_per_point);
  out["quoted"] = quoted ? share_json(*inputs, *quoted) : Json();
  return out.dump(2);
}

std::string TrendReport::json() const {
  Json out = inputs_json(*inputs, inputs->workload);
  out["releases"] = Json::array();
  for (const TrendRelease& release : trend.releases) {
    const auto year = hosted_cost(release.model->price(), tokens);
    Json model = model_json(*inputs, *release.model);
    model["points"] = number(release.points);
    model["output"] = number(release.output);
    model["year_cost"] = number(year);
    model["year_cost_per_point"] =
        number(year ? std::optional(*year / release.points) : std::nullopt);
    out["releases"].push_back(std::move(model));
  }
  out["vendors"] = Json::array();
  for (const TrendOfVendor& of : trend.vendors) {
    out["vendors"].push_back({{"vendor", of.vendor},
                              {"first", of.first.model->id},
                              {"last", of.last.model->id},
                              {"days", (of.last.released - of.first.released).count()},
                              {"points_gained", number(of.last.points - of.first.points)}});
  }
  out["left_out"] = Json::array();
  for (const PricedModel* model : trend.left_out) out["left_out"].push_back(model->id);
  return out.dump(2);
}

std::string BreakEvenReport::json() const {
  Json out = inputs_json(*inputs, workload);
  out["machine"] = machine_json(inputs->machine, machine_year(inputs->machine, workload));
  out["instead_of"] = Json::array();
  for (const BreakEvenRow& row : rows) {
    Json item = {{"id", row.model->id}, {"name", row.model->name}};
    item["hosted_per_month"] = row.result ? number(row.result->hosted_per_month) : Json();
    item["energy_per_month"] = row.result ? number(row.result->running_per_month) : Json();
    item["hardware_price"] = row.result ? number(row.result->hardware) : Json();
    item["months"] = row.result ? number(row.result->months) : Json();
    item["never"] = row.result ? Json(!row.result->months.has_value()) : Json();
    item["is_within_life"] = row.result ? Json(row.result->is_within_life) : Json();
    out["instead_of"].push_back(std::move(item));
  }
  return out.dump(2);
}

std::string sources_json(const CostInputs& inputs) {
  Json out = {{"currency", inputs.currency},
              {"exchange", number(inputs.exchange)},
              {"day", day_text(inputs.day)},
              {"stale_days", inputs.stale_days}};
  out["models"] = Json::array();
  for (const PricedModel& model : inputs.models) out["models"].push_back(model_json(inputs, model));
  return out.dump(2);
}

}  // namespace jevons
