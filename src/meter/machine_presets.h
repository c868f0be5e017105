// Machines that are not here, by name, from what their makers specify. Modelled: nothing of them
// was measured. Constant; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/machine_facts.h"

namespace jevons {

/// phone-12gb, phone-16gb, laptop-32gb, desktop-64gb, desktop-128gb, unified-128gb,
/// workstation-256gb, workstation-512gb. Each figure says its source, and what part of the
/// specification is taken for reached.
[[nodiscard]] std::vector<MachineFacts> machine_presets();

/// Errors list the names.
[[nodiscard]] Result<MachineFacts> machine_preset(std::string_view name);

}  // namespace jevons
