#include "engine/context_plan.h"

#include <algorithm>
#include <limits>

#include "base/memory_info.h"
#include "model/kv_cache.h"

namespace jevons {
namespace {

// Weights that fit stay in memory beside the cache. Weights that do not are read from disk again
// and again, and whatever the cache takes is taken from them: it may have a quarter.
std::uint64_t kv_budget(const ContextDemand& demand) {
  if (demand.kv_memory_bytes > 0) return demand.kv_memory_bytes;
  const std::uint64_t usable =
      bytes_left(demand.available_bytes, demand.scratch_bytes + demand.reserve_bytes);
  if (demand.weight_bytes < usable) return usable - demand.weight_bytes;
  return usable / 4;
}

}  // namespace

Result<int> plan_context(const ContextDemand& demand) {
  const std::uint64_t n_pages = kv_budget(demand) / demand.kv_page_bytes;
  const std::uint64_t fits = n_pages * kernels::kKeysPerPage;
  if (demand.asked > demand.model_limit) {
    return fail("a context of {} tokens was asked for, but this model was made for at most {}",
                demand.asked, demand.model_limit);
  }
  if (fits == 0 && demand.kv_memory_bytes > 0) {
    return fail("the {} given to keys and values do not hold the least, 64 tokens: {}",
                memory_text(demand.kv_memory_bytes), memory_text(demand.kv_page_bytes));
  }
  if (fits == 0) {
    return fail(
        "not enough memory: the weights take {}, work space {}, 64 tokens of context {}, the "
        "rest of the program {}, and {} are available",
        memory_text(demand.weight_bytes), memory_text(demand.scratch_bytes),
        memory_text(demand.kv_page_bytes), memory_text(demand.reserve_bytes),
        memory_text(demand.available_bytes));
  }
  if (demand.asked > 0) {
    if (static_cast<std::uint64_t>(demand.asked) > fits) {
      const auto pages = static_cast<std::uint64_t>(demand.asked + kernels::kKeysPerPage - 1) /
                         kernels::kKeysPerPage;
      return fail(
          "a context of {} tokens needs {} beside the weights, and {} are "
          "{} it: at most {} tokens fit (-c {})",
          demand.asked, memory_text(pages * demand.kv_page_bytes), memory_text(kv_budget(demand)),
          demand.kv_memory_bytes > 0 ? "given to" : "left for", fits, fits);
    }
    return demand.asked;
  }
  const auto limit = static_cast<std::uint64_t>(std::min(demand.model_limit, kDefaultContext));
  return static_cast<int>(std::min(limit, fits));
}

int plan_pages(const ContextDemand& demand, int context_length, int n_parallel) {
  const auto most = static_cast<std::uint64_t>(std::numeric_limits<int>::max());
  const std::uint64_t fits = std::min(most, kv_budget(demand) / demand.kv_page_bytes);
  if (demand.kv_memory_bytes > 0) return static_cast<int>(fits);
  const auto of_one = static_cast<std::uint64_t>((context_length + kernels::kKeysPerPage - 1) /
                                                 kernels::kKeysPerPage);
  const std::uint64_t wanted = of_one * (static_cast<std::uint64_t>(n_parallel) + 1);
  return static_cast<int>(std::max(of_one, std::min(wanted, fits)));
}

}  // namespace jevons
