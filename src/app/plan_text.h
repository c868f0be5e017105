// Pieces that the reports of `jevons plan` share. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "meter/machine_facts.h"
#include "meter/model_plan.h"

namespace jevons {

/// "31.4 GiB": memory of a machine, which is sold in these units.
[[nodiscard]] std::string ram_text(double n_bytes);
/// "3.1", "12.4", "310"
[[nodiscard]] std::string speed_text(double tokens_per_second);
/// "3.1 (2.2-4.6)"
[[nodiscard]] std::string range_text(const SpeedEstimate& estimate);
/// "2.1 s", "3 min", "1.2 h"
[[nodiscard]] std::string seconds_text(double seconds);

/// The machine in two or three lines, with the date or "modelled". device: the disk that counts.
[[nodiscard]] std::string machine_lines(const MachineFacts& machine, const std::string& device,
                                        int columns);

/// The smallest preset that would run the model with this context and these agents; empty if none.
[[nodiscard]] std::string preset_that_runs(const PlannedModel& model, const PlanRequest& request);

}  // namespace jevons
