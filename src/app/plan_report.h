// What `jevons plan` says, as text and as JSON. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "meter/machine_facts.h"
#include "meter/model_catalogue.h"
#include "meter/model_plan.h"

namespace jevons {

struct PlanReport {
  PlanRequest request;
  std::vector<ModelPlan> plans;  // of one model, by bits; at least one
  std::optional<Recommendation> recommendation;
  std::vector<std::string> notes;
  bool shows_sparsity = false;  // beside the rest of the catalogue

  /// With the recommendation among the plans.
  [[nodiscard]] static PlanReport of(const std::vector<PlannedModel>& models, PlanRequest request);

  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;
};

/// Parameters, read per token and per cent of the catalogue's models side by side.
[[nodiscard]] std::string sparsity_table(int columns);
/// A model that does not run here: what its weights and context would take, beside this machine.
[[nodiscard]] std::string foreign_text(const ForeignModel& model, const PlanRequest& request,
                                       int columns);
[[nodiscard]] std::string foreign_json(const ForeignModel& model, const PlanRequest& request);
/// The presets with their figures and sources.
[[nodiscard]] std::string machines_text(int columns);
[[nodiscard]] std::string machines_json();
/// The catalogue: models, mixes, sparsity.
[[nodiscard]] std::string catalogue_text(int columns);
[[nodiscard]] std::string catalogue_json();

}  // namespace jevons
