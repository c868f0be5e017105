// What the router of a model does with a text: how much one token's experts are those of an earlier
// one, how well the next layer's can be told ahead, and how evenly they are used. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "model/routing_trace.h"

namespace jevons {

struct RoutingFigures {
  static constexpr std::array kDistances = {1, 2, 4, 8, 16};  // tokens

  std::int64_t n_tokens = 0;
  /// Share of a token's experts that the token so many places before took in the same layer; 0 if
  /// no text was that long.
  std::array<double, kDistances.size()> overlap{};
  double overlap_by_chance = 0;  // of experts that are drawn evenly
  double foreseen = 0;           // share that the layer's router names one layer ahead
  /// Share of the choices of kStretch tokens in a row that fall to the 1/32 of a layer's experts
  /// that they use most, and to the 1/8; mean over layers and stretches. 0 if that is no expert, or
  /// no text was that long.
  static constexpr int kStretch = 32;
  double top_32nd = 0, top_8th = 0;
  double busiest = 0;  // load of an expert over the mean of its layer, at most
  int n_idle = 0;      // experts with less than a tenth of the mean load
  int n_experts = 0;   // of all layers
};

class RoutingStatistics {
 public:
  RoutingStatistics(int n_layers, int n_experts, int n_used);

  /// One text: its tokens in order. Of the same shape both; a token's layer without experts
  /// (kNoExpert) is left out. Layer 0 of `foreseen` is not looked at.
  void add(const RoutingTrace& chosen, const RoutingTrace& foreseen);

  [[nodiscard]] RoutingFigures figures() const;

 private:
  struct Part {
    std::int64_t n = 0, of = 0;
    [[nodiscard]] double share() const {
      return of == 0 ? 0 : static_cast<double>(n) / static_cast<double>(of);
    }
  };

  void add_stretches(const RoutingTrace& chosen, int layer);

  int n_experts_, n_used_;
  std::int64_t n_tokens_ = 0;
  std::vector<std::vector<std::int64_t>> uses_;  // [layer][expert]
  std::array<Part, RoutingFigures::kDistances.size()> overlap_{};
  Part foreseen_, top_32nd_, top_8th_;
};

}  // namespace jevons
