#include "weights/expert_policy.h"

#include <cmath>

#include "base/check.h"

namespace jevons {
namespace {

// Tokens after which an average has forgotten 63 % of what it knew.
constexpr float kFastMemory = 3;
constexpr float kSlowMemory = 96;
constexpr float kFastShare = 0.25F;

}  // namespace

ExpertPolicy::ExpertPolicy(int n_layers, int n_experts)
    : n_layers_(n_layers),
      n_experts_(n_experts),
      averages_(static_cast<std::size_t>(n_layers) * static_cast<std::size_t>(n_experts)) {}

void ExpertPolicy::note_pass(int layer, int n_tokens, std::span<const ExpertUse> used) {
  JEVONS_CHECK(layer >= 0 && layer < n_layers_ && n_tokens > 0);
  const auto n = static_cast<float>(n_tokens);
  const float keep_fast = std::exp(-n / kFastMemory);
  const float keep_slow = std::exp(-n / kSlowMemory);
  Averages* layer_averages = averages_.data() + at(layer, 0);
  for (int e = 0; e < n_experts_; ++e) {
    layer_averages[e].fast *= keep_fast;
    layer_averages[e].slow *= keep_slow;
  }
  for (const ExpertUse& use : used) {
    JEVONS_CHECK(use.expert >= 0 && use.expert < n_experts_);
    const float rate = static_cast<float>(use.n_tokens) / n;
    layer_averages[use.expert].fast += rate * (1 - keep_fast);
    layer_averages[use.expert].slow += rate * (1 - keep_slow);
  }
}

float ExpertPolicy::score(int layer, int expert) const {
  const Averages& averages = averages_[at(layer, expert)];
  return kFastShare * averages.fast + (1 - kFastShare) * averages.slow;
}

std::vector<float> ExpertPolicy::export_popularity() const {
  std::vector<float> popularity;
  popularity.reserve(averages_.size());
  for (const Averages& averages : averages_) popularity.push_back(averages.slow);
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
  for (std::size_t i = 0; i < popularity.size(); ++i) averages_[i] = {0, popularity[i]};
  return {};
}

}  // namespace jevons
