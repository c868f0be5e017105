#include "api/cache_break.h"

#include <algorithm>

#include "base/utf8.h"

namespace jevons {
namespace {

std::string place_name(const GenerationPlan::Prompt& prompt, int token_index) {
  if (prompt.message_begins.empty()) return "prompt";
  if (token_index < prompt.n_system_tokens) {
    return token_index >= prompt.tools_begin ? "tools" : "system";
  }
  const auto after =
      std::upper_bound(prompt.message_begins.begin(), prompt.message_begins.end(), token_index);
  const auto n_before = after - prompt.message_begins.begin();
  return fmt::format("messages[{}]", std::max<std::ptrdiff_t>(n_before, 1) - 1);
}

}  // namespace

void describe_cache_break(const Tokenizer& tokenizer, const GenerationPlan::Prompt& prompt,
                          const CacheReport& cache, GenerationReport& report) {
  if (!cache.broke_at) return;
  report.broke_where = place_name(prompt, cache.broke_at->token_index);
  report.cached_excerpt = utf8_sanitize(tokenizer.decode(cache.broke_at->cached));
  report.prompt_excerpt = utf8_sanitize(tokenizer.decode(cache.broke_at->prompt));
}

}  // namespace jevons
