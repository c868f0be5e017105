#include "convert/routing_statistics.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

int n_common(const std::int32_t* a, const std::int32_t* b, int n) {
  return static_cast<int>(std::count_if(
      a, a + n, [&](std::int32_t expert) { return std::find(b, b + n, expert) != b + n; }));
}

}  // namespace

RoutingStatistics::RoutingStatistics(int n_layers, int n_experts, int n_used)
    : n_experts_(n_experts),
      n_used_(n_used),
      uses_(static_cast<std::size_t>(n_layers),
            std::vector<std::int64_t>(static_cast<std::size_t>(n_experts))) {}

void RoutingStatistics::add_stretches(const RoutingTrace& chosen, int layer) {
  constexpr int kStretch = RoutingFigures::kStretch;
  for (int first = 0; first + kStretch <= chosen.n_tokens; first += kStretch) {
    std::vector<std::int64_t> uses(static_cast<std::size_t>(n_experts_));
    for (int token = first; token < first + kStretch; ++token) {
      if (!chosen.has(layer, token)) return;
      for (int i = 0; i < n_used_; ++i) {
        ++uses[static_cast<std::size_t>(chosen.at(layer, token)[i])];
      }
    }
    std::sort(uses.begin(), uses.end(), std::greater<>());
    for (const auto& [part, of] : {std::pair(&top_32nd_, 32), std::pair(&top_8th_, 8)}) {
      part->n += std::reduce(uses.begin(), uses.begin() + n_experts_ / of);
      part->of += kStretch * n_used_;
    }
  }
}

void RoutingStatistics::add(const RoutingTrace& chosen, const RoutingTrace& foreseen) {
  JEVONS_CHECK(chosen.n_layers == static_cast<int>(uses_.size()) && chosen.n_used == n_used_);
  JEVONS_CHECK(foreseen.n_layers == chosen.n_layers && foreseen.n_tokens == chosen.n_tokens);
  n_tokens_ += chosen.n_tokens;
  for (int layer = 0; layer < chosen.n_layers; ++layer) {
    add_stretches(chosen, layer);
    auto& uses = uses_[static_cast<std::size_t>(layer)];
    for (int token = 0; token < chosen.n_tokens; ++token) {
      if (!chosen.has(layer, token)) continue;
      const std::int32_t* experts = chosen.at(layer, token);
      for (int i = 0; i < n_used_; ++i) ++uses[static_cast<std::size_t>(experts[i])];
      for (std::size_t i = 0; i < overlap_.size(); ++i) {
        const int earlier = token - RoutingFigures::kDistances[i];
        if (earlier < 0 || !chosen.has(layer, earlier)) continue;
        overlap_[i].n += n_common(experts, chosen.at(layer, earlier), n_used_);
        overlap_[i].of += n_used_;
      }
      if (layer == 0) continue;
      foreseen_.n += n_common(experts, foreseen.at(layer, token), n_used_);
      foreseen_.of += n_used_;
    }
  }
}

RoutingFigures RoutingStatistics::figures() const {
  RoutingFigures result;
  result.n_tokens = n_tokens_;
  for (std::size_t i = 0; i < overlap_.size(); ++i) result.overlap[i] = overlap_[i].share();
  result.overlap_by_chance = static_cast<double>(n_used_) / n_experts_;
  result.foreseen = foreseen_.share();
  result.n_experts = n_experts_ * static_cast<int>(uses_.size());
  result.top_32nd = top_32nd_.share();
  result.top_8th = top_8th_.share();
  for (const std::vector<std::int64_t>& uses : uses_) {
    const double mean = static_cast<double>(std::reduce(uses.begin(), uses.end())) /
                        static_cast<double>(n_experts_);
    if (mean == 0) continue;
    const auto most = static_cast<double>(*std::max_element(uses.begin(), uses.end()));
    result.busiest = std::max(result.busiest, most / mean);
    result.n_idle += static_cast<int>(std::count_if(uses.begin(), uses.end(), [&](std::int64_t n) {
      return static_cast<double>(n) < mean / 10;
    }));
  }
  return result;
}

}  // namespace jevons
