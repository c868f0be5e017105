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

/// machine.json in the cache folder, where what was measured of this machine is kept; empty: it is
/// not kept.
[[nodiscard]] std::string machine_file_of(const Settings& settings);

/// All of a request but the machine and its disk. Errors name the option that is wrong.
[[nodiscard]] Result<PlanRequest> plan_request_of(const Settings& settings, int n_agents);

/// Measures this machine if that is wanted and not yet known. Errors name the flag that is wrong.
[[nodiscard]] Result<NotedRequest> make_plan_request(const PlanFlags& flags,
                                                     const Settings& settings,
                                                     const PlanTarget& target);

}  // namespace jevons
