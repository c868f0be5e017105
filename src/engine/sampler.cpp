#include "engine/sampler.h"

#include <algorithm>
#include <bit>
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

// Calls f(id) in the order of the ids.
template <typename F>
void for_each_allowed(TokenMask allowed, std::size_t n, F f) {
  if (allowed.empty()) {
    for (std::size_t id = 0; id < n; ++id) f(id);
    return;
  }
  JEVONS_CHECK(allowed.size() == (n + 63) / 64);
  for (std::size_t word = 0; word < allowed.size(); ++word) {
    for (std::uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const std::size_t id = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      if (id < n) f(id);
    }
  }
}

// Calls f(id) for those whose logit is above limit(), which may rise meanwhile. Whole blocks are
// passed over by a loop that the compiler makes vectors of.
template <typename Limit, typename F>
void for_each_above(std::span<const float> logits, Limit limit, F f) {
  constexpr std::size_t kBlock = 64;
  for (std::size_t begin = 0; begin < logits.size(); begin += kBlock) {
    const auto block = logits.subspan(begin, std::min(kBlock, logits.size() - begin));
    const float bound = limit();
    bool any = false;
    for (const float logit : block) any |= logit > bound;
    if (!any) continue;
    for (std::size_t i = 0; i < block.size(); ++i) {
      if (block[i] > limit()) f(begin + i);
    }
  }
}

// The n likeliest so far, as a heap with the least likely of them in front.
template <typename Candidate>
void offer(std::vector<Candidate>& heap, std::size_t n, const Candidate& candidate) {
  if (heap.size() == n) {
    if (!kLikelier(candidate, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), kLikelier);
    heap.pop_back();
  }
  heap.push_back(candidate);
  std::push_heap(heap.begin(), heap.end(), kLikelier);
}

template <typename Candidate>
float worst_logit(const std::vector<Candidate>& heap, std::size_t n) {
  return heap.size() == n ? heap.front().logit : -INFINITY;
}

}  // namespace

Result<void> check_finite(std::span<const float> logits) {
  // Without a branch, so that the usual case costs next to nothing.
  constexpr std::uint32_t kExponent = 0x7F800000U;
  std::uint32_t bad = 0;
  for (const float logit : logits) {
    bad |=
        static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(logit) & kExponent) == kExponent);
  }
  if (bad == 0) return {};
  const auto at = std::find_if_not(logits.begin(), logits.end(),
                                   [](float logit) { return std::isfinite(logit); });
  return fail(
      "the network computed {} for token {}: the model file is damaged or has values that its "
      "formats cannot hold",
      *at, at - logits.begin());
}

std::int32_t argmax(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

std::vector<std::int32_t> largest(std::span<const float> logits, std::size_t n) {
  struct Entry {
    std::int32_t id;
    float logit;
  };
  n = std::min(n, logits.size());
  std::vector<Entry> heap;
  heap.reserve(n);
  if (n > 0) {
    for_each_above(
        logits, [&] { return worst_logit(heap, n); },
        [&](std::size_t id) { offer(heap, n, Entry{static_cast<std::int32_t>(id), logits[id]}); });
  }
  std::sort(heap.begin(), heap.end(), kLikelier);
  std::vector<std::int32_t> ids;
  ids.reserve(n);
  for (const Entry& entry : heap) ids.push_back(entry.id);
  return ids;
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

bool Sampler::changes_logits() const {
  return !params_.logit_bias.empty() || params_.repetition_penalty != 1.0F ||
         params_.presence_penalty != 0.0F || params_.frequency_penalty != 0.0F;
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
  if (params_.presence_penalty == 0.0F && params_.frequency_penalty == 0.0F) return;
  for (const auto& [id, count] : answer_counts_) {
    at(id) -= params_.presence_penalty + params_.frequency_penalty * static_cast<float>(count);
  }
}

void Sampler::collect_likeliest(std::span<const float> logits, TokenMask allowed, std::size_t n) {
  const auto take = [&](std::size_t id) {
    offer(candidates_, n, Candidate{static_cast<std::int32_t>(id), logits[id], 0});
  };
  if (allowed.empty()) {
    for_each_above(logits, [&] { return worst_logit(candidates_, n); }, take);
  } else {
    for_each_allowed(allowed, logits.size(), take);
  }
  std::sort(candidates_.begin(), candidates_.end(), kLikelier);
  sorted_ = true;
}

void Sampler::collect(std::span<const float> logits, TokenMask allowed) {
  candidates_.clear();
  sorted_ = false;
  if (params_.temperature == 0.0F) return collect_likeliest(logits, allowed, 1);
  const auto k = static_cast<std::size_t>(params_.top_k);
  if (k > 0 && k < logits.size()) return collect_likeliest(logits, allowed, k);
  for_each_allowed(allowed, logits.size(), [&](std::size_t id) {
    candidates_.push_back({static_cast<std::int32_t>(id), logits[id], 0});
  });
}

void Sampler::weigh_and_filter() {
  const double best = std::min_element(candidates_.begin(), candidates_.end(), kLikelier)->logit;
  double total = 0;
  for (Candidate& candidate : candidates_) {
    candidate.probability =
        std::exp((static_cast<double>(candidate.logit) - best) / params_.temperature);
    total += candidate.probability;
  }
  if (params_.top_p >= 1.0F && params_.min_p <= 0.0F) return;
  // The tail is cut off, so only what stays needs to be in order. What stays is short, as a rule.
  constexpr std::size_t kFirstSorted = 128;
  std::size_t n_sorted = sorted_ ? candidates_.size() : 0;
  std::size_t kept = 0;
  double sum = 0;
  for (; kept < candidates_.size(); ++kept) {
    if (kept == n_sorted) {
      n_sorted = std::min(candidates_.size(), std::max(kFirstSorted, 4 * n_sorted));
      const auto at = [&](std::size_t i) {
        return candidates_.begin() + static_cast<std::ptrdiff_t>(i);
      };
      std::partial_sort(at(kept), at(n_sorted), candidates_.end(), kLikelier);
    }
    const double probability = candidates_[kept].probability;
    // The likeliest has weight 1, so min-p compares with it directly; it always stays.
    const bool enough = params_.top_p < 1.0F && sum >= params_.top_p * total;
    if (kept > 0 && (enough || probability < params_.min_p)) break;
    sum += probability;
  }
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

Result<std::int32_t> Sampler::sample(std::span<const float> logits, TokenMask allowed) {
  JEVONS_TRY(check_finite(logits));
  if (changes_logits()) {
    logits_.assign(logits.begin(), logits.end());
    apply_bias_and_penalties();
    logits = logits_;
  }
  std::int32_t id = 0;
  if (params_.temperature == 0.0F && allowed.empty()) {
    id = argmax(logits);
  } else {
    collect(logits, allowed);
    if (candidates_.empty()) return fail("the output constraint allows no token here");
    if (params_.temperature > 0.0F) weigh_and_filter();
    id = params_.temperature > 0.0F ? draw() : candidates_.front().id;
  }
  remember(id);
  return id;
}

}  // namespace jevons
