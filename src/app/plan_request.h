// The machine and the wishes that `jevons plan` was given, together. Main thread.
#pragma once

#include <string>
#include <vector>

#include "app/config/options.h"
#include "app/plan_target.h"
#include "base/result.h"
#include "meter/model_plan.h"

namespace jevons {

struct PlanFlags {
  std::string machine;  // a preset; empty: this one
  std::string disk;     // a folder; empty: the current one
  int n_agents = 1;
  bool measure = false;
};

struct NotedRequest {
  PlanRequest request;
  std::vector<std::string> notes;  // what could not be measured or kept
};

/// Measures this machine if that is wanted and not yet known. Errors name the flag that is wrong.
[[nodiscard]] Result<NotedRequest> make_plan_request(const PlanFlags& flags,
                                                     const Settings& settings,
                                                     const PlanTarget& target);

}  // namespace jevons
