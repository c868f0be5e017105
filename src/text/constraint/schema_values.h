// Whether a given value satisfies a schema: for the values of enum and const, which must satisfy
// the keywords beside them too. Knows the keywords that constraints hold. Any thread may call.
#pragma once

#include "base/result.h"
#include "text/constraint/schema_shape.h"
#include "text/constraint/work_budget.h"
#include "text/json_value.h"

namespace jevons {

/// Equal as JSON schema has it: 1 is 1.0, the order of keys does not matter.
[[nodiscard]] bool same_json(const JsonValue& a, const JsonValue& b);

/// `reader`: of the root that references are resolved in. Error: over the budget.
[[nodiscard]] Result<bool> satisfies(const JsonValue& value, const SchemaNode& schema,
                                     const SchemaReader& reader, WorkBudget& budget);

}  // namespace jevons
