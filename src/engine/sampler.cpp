#include "engine/sampler.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "base/check.h"

namespace jevons {
namespace {

// A number in [0, 1) with 53 random bits; std::uniform_real_distribution differs between libraries.
double unit_interval(std::mt19937_64& random) {
  return static_cast<double>(random() >> 11) * 0x1.0p-53;
}

// Likeliest first; equals by id, so that the order never depends on the sort.
constexpr auto kLikelier = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
};

}  // namespace

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double log_sum_exp(std::span<const float> logits) {
  const double maximum = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - maximum);
  return maximum + std::log(sum);
}

Sampler::Sampler(const SamplingParams& params, std::span<const std::int32_t> history)
    : params_(params), random_(params.seed.value()) {
  const auto size = static_cast<std::size_t>(params.penalty_window);
  const std::size_t n = std::min(size, history.size());
  window_.assign(history.end() - static_cast<std::ptrdiff_t>(n), history.end());
}

void Sampler::apply_bias_and_penalties() {
  const auto at = [&](std::int32_t id) -> float& { return logits_[static_cast<std::size_t>(id)]; };
  for (const auto& [id, bias] : params_.logit_bias) at(id) += bias;
  if (params_.repetition_penalty != 1.0F) {
    const std::unordered_set<std::int32_t> seen(window_.begin(), window_.end());
    for (const std::int32_t id : seen) {
      at(id) =
          at(id) > 0 ? at(id) / params_.repetition_penalty : at(id) * params_.repetition_penalty;
    }
  }
  for (const auto& [id, count] : answer_counts_) {
    at(id) -= params_.presence_penalty + params_.frequency_penalty * static_cast<float>(count);
  }
}

void Sampler::keep_top_k() {
  candidates_.clear();
  for (std::size_t id = 0; id < logits_.size(); ++id) {
    candidates_.push_back({static_cast<std::int32_t>(id), logits_[id], 0});
  }
  const auto k = static_cast<std::size_t>(params_.top_k);
  if (k > 0 && k < candidates_.size()) {
    std::nth_element(candidates_.begin(), candidates_.begin() + params_.top_k, candidates_.end(),
                     kLikelier);
    candidates_.resize(k);
  }
  std::sort(candidates_.begin(), candidates_.end(), kLikelier);
}

void Sampler::weigh_and_filter() {
  const double best = candidates_.front().logit;
  double total = 0;
  for (Candidate& candidate : candidates_) {
    candidate.probability =
        std::exp((static_cast<double>(candidate.logit) - best) / params_.temperature);
    total += candidate.probability;
  }
  std::size_t kept = candidates_.size();
  if (params_.top_p < 1.0F) {
    double sum = 0;
    for (kept = 0; kept < candidates_.size() && sum < params_.top_p * total; ++kept) {
      sum += candidates_[kept].probability;
    }
    kept = std::max<std::size_t>(kept, 1);
  }
  // The likeliest has weight 1, so min-p compares with it directly.
  while (kept > 1 && candidates_[kept - 1].probability < params_.min_p) --kept;
  candidates_.resize(kept);
}

std::int32_t Sampler::draw() {
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.probability;
  double rest = unit_interval(random_) * total;
  for (const Candidate& candidate : candidates_) {
    rest -= candidate.probability;
    if (rest < 0) return candidate.id;
  }
  return candidates_.back().id;
}

void Sampler::remember(std::int32_t id) {
  ++answer_counts_[id];
  const auto size = static_cast<std::size_t>(params_.penalty_window);
  if (size == 0) return;
  if (window_.size() < size) {
    window_.push_back(id);
  } else {
    window_[window_next_ % size] = id;
    ++window_next_;
  }
}

Result<std::int32_t> Sampler::sample(std::span<const float> logits) {
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (!std::isfinite(logits[id])) {
      return fail(
          "the network computed {} for token {}: the model file is damaged or has values "
          "that its formats cannot hold",
          logits[id], id);
    }
  }
  logits_.assign(logits.begin(), logits.end());
  apply_bias_and_penalties();
  std::int32_t id = 0;
  if (params_.temperature == 0.0F) {
    id = argmax(logits_);
  } else {
    keep_top_k();
    weigh_and_filter();
    id = draw();
  }
  remember(id);
  return id;
}

}  // namespace jevons
