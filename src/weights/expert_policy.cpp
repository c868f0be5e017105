#include "weights/expert_policy.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace jevons {
namespace {

// Tokens after which an average has forgotten 63 % of what it knew, and how much the fast one
// counts. Chosen on a recorded and on generated routings (docs/PERFORMANCE.md); half or twice of
// each costs less than a hundredth of the hits.
constexpr float kFastMemory = 2;
constexpr float kSlowMemory = 40;
constexpr float kFastShare = 0.3F;

constexpr float kImportedTokens = 10;  // that figures of another session are worth

// Below this an average is nothing: it would shrink into denormal numbers, which are slow.
constexpr float kSmallestAverage = 1e-20F;

float faded(float average, float keep) {
  const float left = average * keep;
  return left < kSmallestAverage ? 0 : left;
}

// Weighs a pass's news against what an average `known` to this degree holds, and counts it in.
struct Fading {
  Fading(float n_tokens, float memory, float& known) {
    const float kept = known * std::exp(-n_tokens / memory);
    const float fresh = -std::expm1(-n_tokens / memory);
    known = kept + fresh;
    keep = kept / known;
    add = fresh / known;
  }
  float keep, add;  // together 1
};

}  // namespace

ExpertPolicy::ExpertPolicy(int n_layers, int n_experts)
    : n_layers_(n_layers),
      n_experts_(n_experts),
      averages_(static_cast<std::size_t>(n_layers) * static_cast<std::size_t>(n_experts)),
      known_(static_cast<std::size_t>(n_layers)) {}

void ExpertPolicy::note_pass(int layer, int n_tokens, std::span<const ExpertUse> used) {
  JEVONS_CHECK(layer >= 0 && layer < n_layers_ && n_tokens > 0);
  const auto n = static_cast<float>(n_tokens);
  Averages& known = known_[static_cast<std::size_t>(layer)];
  const Fading fast(n, kFastMemory, known.fast);
  const Fading slow(n, kSlowMemory, known.slow);
  Averages* layer_averages = averages_.data() + at(layer, 0);
  for (int e = 0; e < n_experts_; ++e) {
    layer_averages[e].fast = faded(layer_averages[e].fast, fast.keep);
    layer_averages[e].slow = faded(layer_averages[e].slow, slow.keep);
  }
  for (const ExpertUse& use : used) {
    JEVONS_CHECK(use.expert >= 0 && use.expert < n_experts_);
    JEVONS_CHECK(use.n_tokens > 0 && use.n_tokens <= n_tokens);
    const float rate = static_cast<float>(use.n_tokens) / n;
    layer_averages[use.expert].fast += rate * fast.add;
    layer_averages[use.expert].slow += rate * slow.add;
  }
}

float ExpertPolicy::score(int layer, int expert) const {
  const Averages& averages = averages_[at(layer, expert)];
  return kFastShare * averages.fast + (1 - kFastShare) * averages.slow;
}

std::vector<float> ExpertPolicy::export_popularity() const {
  std::vector<float> popularity;
  popularity.reserve(averages_.size());
  // Rounding may carry an average above 1.
  for (const Averages& averages : averages_) popularity.push_back(std::min(averages.slow, 1.0F));
  return popularity;
}

Result<void> ExpertPolicy::import_popularity(std::span<const float> popularity) {
  if (popularity.size() != averages_.size()) {
    return fail("there are figures of {} experts, and the model has {}", popularity.size(),
                averages_.size());
  }
  for (const float value : popularity) {
    if (!(value >= 0 && value <= 1)) {
      return fail("an expert's use per token is {}, and must be between 0 and 1", value);
    }
  }
  for (std::size_t i = 0; i < popularity.size(); ++i) averages_[i] = {popularity[i], popularity[i]};
  std::ranges::fill(known_, Averages{0, -std::expm1(-kImportedTokens / kSlowMemory)});
  return {};
}

}  // namespace jevons
