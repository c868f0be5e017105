// How many tokens of context fit, decided before any work starts. Pure; any thread.
#pragma once

#include <cstdint>

#include "base/memory_info.h"
#include "base/result.h"

namespace jevons {

struct ContextDemand {
  int asked;                    // tokens; 0: choose
  int model_limit;              // tokens, as the file declares
  std::uint64_t kv_page_bytes;  // one page of 64 tokens
  std::uint64_t weight_bytes;
  std::uint64_t scratch_bytes;
  std::uint64_t available_bytes;      // memory that can be had without swapping
  std::uint64_t kv_memory_bytes = 0;  // for all pages; 0: what is left beside weights and scratch
  std::uint64_t reserve_bytes = kProgramBytes;  // for the rest of the program
};

/// Without -c, no more than this: a longer context costs memory that most chats never use.
inline constexpr int kDefaultContext = 32768;

/// Tokens of context. Errors when what was asked for does not fit or exceeds the model, naming
/// both figures, or when not even one page fits.
[[nodiscard]] Result<int> plan_context(const ContextDemand& demand);

/// Pages for all sequences and the prefix cache: kv_memory_bytes if given, else a context for each
/// of n_parallel sequences and one for the cache, as far as memory goes; one context at least.
[[nodiscard]] int plan_pages(const ContextDemand& demand, int context_length, int n_parallel);

}  // namespace jevons
