// What degrees of reasoning mean for a model that knows none: it thinks, for as long as it wants,
// for a bounded number of tokens, or not at all. The same for every dialect.
#pragma once

#include <string_view>

#include "api/generation.h"
#include "api/request_fields.h"

namespace jevons {

/// "none" closes the reasoning at once, "minimal" and "low" bound it to 512 and 2,048 tokens;
/// "medium", "high", "xhigh" and "max" leave it to the model. Errors: any other word; `path` is
/// the field it stands in. Any thread.
[[nodiscard]] Parsed<void> apply_reasoning_effort(std::string_view effort, std::string_view path,
                                                  Thinking& thinking);

/// The block is closed after so many tokens; 0 closes it at once.
void apply_thinking_budget(int n_tokens, Thinking& thinking);

void disable_thinking(Thinking& thinking);

}  // namespace jevons
