// Two constraints of which an answer must keep one: JSON of a schema, or a tool call instead.
#pragma once

#include <memory>

#include "text/output_constraint.h"

namespace jevons {

/// Allows what either allows; from the first token on that only one of them allows, that one
/// holds. Both must be active from the start.
[[nodiscard]] std::unique_ptr<OutputConstraint> either_constraint(
    std::unique_ptr<OutputConstraint> first, std::unique_ptr<OutputConstraint> second);

}  // namespace jevons
