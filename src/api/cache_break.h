// Says in words where a prompt left what the cache had.
#pragma once

#include "api/generation.h"
#include "api/generation_plan.h"
#include "text/tokenizer.h"

namespace jevons {

/// Fills in broke_where and the excerpts of both sides, if the prompt broke with a cached one.
void describe_cache_break(const Tokenizer& tokenizer, const GenerationPlan::Prompt& prompt,
                          const CacheReport& cache, GenerationReport& report);

}  // namespace jevons
