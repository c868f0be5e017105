// How each field of a Responses request is treated, for Dialect::fields().
#pragma once

#include <span>

#include "api/dialect.h"

namespace jevons {

[[nodiscard]] std::span<const FieldRule> responses_fields();

}  // namespace jevons
