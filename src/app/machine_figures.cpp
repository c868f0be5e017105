#include "app/machine_figures.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "app/machine_measure.h"
#include "app/metering.h"
#include "app/plan_request.h"
#include "app/plan_target.h"
#include "base/wall_clock.h"
#include "meter/day.h"
#include "meter/ledger_pace.h"
#include "meter/time_zone.h"

namespace jevons {
namespace {

constexpr int kDays = 30;

// Three places are more than a measurement has. Absent: nothing that one could divide by.
std::optional<KnownFigure> figure(std::optional<double> value, const std::string& source) {
  if (!value) return std::nullopt;
  const auto amount = Amount::parse(fmt::format("{:.3f}", *value));
  if (!amount || *amount <= Amount(0)) return std::nullopt;
  return KnownFigure{*amount, source};
}

struct UsedModel {
  const PricedModel* model;
  ModelPace pace;
};

// The longest id wins: "minimax-m2.5-lightning" before "minimax-m2.5".
const PricedModel* named_by(std::span<const PricedModel> models, const std::string& name) {
  const PricedModel* best = nullptr;
  for (const PricedModel& model : models) {
    if (!is_model(name, model.id)) continue;
    if (best == nullptr || model.id.size() > best->id.size()) best = &model;
  }
  return best;
}

Result<std::optional<UsedModel>> used_model(const std::string& ledger, std::int64_t since,
                                            const PriceBook& book,
                                            const std::optional<PricedModel>& runs) {
  std::error_code error;
  if (ledger.empty() || !std::filesystem::exists(ledger, error)) return std::nullopt;
  JEVONS_ASSIGN(LedgerFile file, LedgerFile::open_to_read(ledger));
  JEVONS_ASSIGN(std::vector<ModelPace> paces, pace_by_model(file, 1000 * since));
  for (ModelPace& pace : paces) {
    const PricedModel* model = named_by(book.models(), pace.model);
    if (model == nullptr || (runs && model->id != runs->id)) continue;
    return UsedModel{model, std::move(pace)};
  }
  return std::nullopt;
}

Result<void> add_used(const Settings& settings, const PriceBook& book, const Workload& workload,
                      OwnMachine& machine, std::optional<PricedModel>& runs) {
  const TimeZone zone = TimeZone::local();
  const std::int64_t since = day_begin(zone, unix_seconds(), 1 - kDays);
  JEVONS_ASSIGN(const auto used, used_model(ledger_path_of(settings), since, book, runs));
  if (!used) return {};
  const ModelPace& pace = used->pace;
  const std::string source = fmt::format("the ledger: {} requests of {} since {}", pace.n_requests,
                                         pace.model, day_text(zone, since));
  const bool is_speed_stated = machine.tokens_per_second || machine.prompt_tokens_per_second;
  if (!machine.tokens_per_second)
    machine.tokens_per_second = figure(pace.written_per_second(), source);
  if (!machine.prompt_tokens_per_second) {
    machine.prompt_tokens_per_second = figure(pace.read_per_second(), source);
  }
  const bool has_speeds =
      machine.tokens_per_second && (machine.prompt_tokens_per_second || !workload.reads_prompts());
  if (!machine.watts && has_speeds && !is_speed_stated) {
    machine.watts = figure(
        pace.watts(), fmt::format("the ledger: {} requests, by {}", pace.n_measured, pace.sources));
  }
  if (!runs && machine.tokens_per_second && !is_speed_stated) runs = *used->model;
  return {};
}

// Nothing is measured here: that takes seconds, and is what jevons plan does.
Result<void> add_planned(const Settings& settings, const PricedModel& runs, OwnMachine& machine) {
  if (machine.tokens_per_second && machine.prompt_tokens_per_second) return {};
  if (!is_catalogue_name(runs.id)) return {};
  auto known = known_machine(machine_file_of(settings));
  if (!known) return {};
  JEVONS_ASSIGN(const PlanTarget target, find_plan_target(runs.id));
  if (target.foreign != nullptr) return {};
  JEVONS_ASSIGN(PlanRequest request, plan_request_of(settings, /*n_agents=*/1));
  const std::string here = sample_of_folder(".").device;
  if (known->disk(here) != nullptr || known->disks.empty()) {
    request.device = here;
  } else {
    request.device = known->disks.front().device;
  }
  request.machine = *std::move(known);
  std::vector<ModelPlan> plans;
  plans.reserve(target.models.size());
  for (const PlannedModel& model : target.models) plans.push_back(plan_model(model, request));
  const auto best = recommend(plans);
  if (!best) return {};
  const ModelPlan& plan = plans[best->index];
  const std::string source =
      fmt::format("planned: {} {}, this machine as measured on {}", plan.model.name, plan.model.mix,
                  day_text(day_of(request.machine.measured_at)));
  if (!machine.tokens_per_second) machine.tokens_per_second = figure(plan.answer.expected, source);
  if (!machine.prompt_tokens_per_second) {
    machine.prompt_tokens_per_second = figure(plan.prompt.expected, source);
  }
  return {};
}

}  // namespace

bool is_model(std::string_view ledger_name, std::string_view id) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto same = [&](char a, char b) { return lower(a) == lower(b); };
  const auto found =
      std::search(ledger_name.begin(), ledger_name.end(), id.begin(), id.end(), same);
  if (found == ledger_name.end()) return false;
  const std::string_view rest(found + static_cast<std::ptrdiff_t>(id.size()), ledger_name.end());
  // "M2.5" is not "M2", and a dot may also end a name.
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (rest.empty()) return true;
  return !is_digit(rest[0]) && !(rest[0] == '.' && rest.size() > 1 && is_digit(rest[1]));
}

Result<void> add_known_figures(const Settings& settings, const PriceBook& book,
                               const Workload& workload, OwnMachine& machine,
                               std::optional<PricedModel>& runs) {
  JEVONS_TRY(add_used(settings, book, workload, machine, runs));
  if (runs) return add_planned(settings, *runs, machine);
  return {};
}

}  // namespace jevons
