// What somebody wants planned: a file, a config.json, or a name of the catalogue. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/machine_measure.h"
#include "base/result.h"
#include "meter/model_catalogue.h"

namespace jevons {

struct PlanTarget {
  std::vector<PlannedModel> models;  // several mixes of one model; empty of a foreign one
  const ForeignModel* foreign = nullptr;
  bool is_catalogue = false;
  std::optional<DiskSample> disk;  // of a file that is here
};

/// text: a path or a name. A path that is there wins. Errors say what it is not.
[[nodiscard]] Result<PlanTarget> find_plan_target(const std::string& text);

}  // namespace jevons
