// The network in plain f32, straight from the formulas of docs/MODEL.md: no quantised activations,
// no cache, no chunks, sums in double. The oracle that the product path is held to; slow on
// purpose.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "model/routing_trace.h"
#include "weights/m2_weights.h"

namespace jevons {

struct ReferenceHooks {
  const RoutingTrace* forced = nullptr;
  RoutingTrace* recorded = nullptr;
};

/// Logits [ids.size()][vocab_size] of the whole text at once. ids are in the vocabulary.
[[nodiscard]] std::vector<float> reference_forward(const M2Weights& weights,
                                                   std::span<const std::int32_t> ids,
                                                   ThreadPool& pool,
                                                   const ReferenceHooks& hooks = {});

}  // namespace jevons
