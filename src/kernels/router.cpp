#include "kernels/router.h"

#include <algorithm>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

void route(const float* logits, const float* bias, int n_experts, int n_used, int* experts,
           float* weights) {
  constexpr int kChunk = 256;
  float probabilities[kChunk];
  const auto sigmoids = best_kernel_set().sigmoids;
  int n_chosen = 0;
  for (int e = 0; e < n_experts; ++e) {
    if (e % kChunk == 0) sigmoids(logits + e, probabilities, std::min(kChunk, n_experts - e));
    const float p = probabilities[e % kChunk];
    const float score = p + bias[e];
    const auto beats = [&](int rank) { return score > weights[rank] + bias[experts[rank]]; };
    if (n_chosen == n_used && !beats(n_used - 1)) continue;
    // Insert into the list of the best so far; until the end, `weights` holds their p.
    int rank = n_chosen < n_used ? n_chosen++ : n_used - 1;
    for (; rank > 0 && beats(rank - 1); --rank) {
      experts[rank] = experts[rank - 1];
      weights[rank] = weights[rank - 1];
    }
    experts[rank] = e;
    weights[rank] = p;
  }
  float sum = 0.0F;
  for (int rank = 0; rank < n_used; ++rank) sum += weights[rank];
  for (int rank = 0; rank < n_used; ++rank) {
    weights[rank] = sum == 0.0F ? 1.0F / static_cast<float>(n_used) : weights[rank] / sum;
  }
}

}  // namespace jevons::kernels
