// Every field of a request in the Anthropic dialect that current clients send, and what becomes
// of it.
#pragma once

#include <span>

#include "api/dialect.h"

namespace jevons {

[[nodiscard]] std::span<const FieldRule> anthropic_fields();

}  // namespace jevons
