// Who says what each figure of the price book is. Any thread.
#pragma once

#include <string>

#include "app/cost_inputs.h"

namespace jevons {

[[nodiscard]] std::string sources_text(const CostInputs& inputs, int columns);
[[nodiscard]] std::string sources_json(const CostInputs& inputs);  // cost_json.cpp

}  // namespace jevons
