// The extension field `jevons` of usage in every dialect: what the prefix cache did and why it
// broke, times, energy, and what was ignored. docs/API.md describes its members.
#pragma once

#include <string>

#include "api/generation.h"

namespace jevons {

/// A JSON object.
[[nodiscard]] std::string report_json(const GenerationReport& report);

}  // namespace jevons
