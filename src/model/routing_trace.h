// Which experts were chosen, recorded from one run and forced on another: rounding flips near-ties
// between experts, and an arithmetic can only be judged when both sides take the same ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace jevons {

/// In place of all experts of a token in a layer that it did not take any in: a token whose logits
/// nobody wants ends before the last layer's.
inline constexpr std::int32_t kNoExpert = -1;

struct RoutingTrace {
  int n_layers = 0;
  int n_used = 0;
  int n_tokens = 0;
  /// [layer][token][rank], experts in the router's order
  std::vector<std::int32_t> experts;

  [[nodiscard]] static RoutingTrace sized(int n_layers, int n_tokens, int n_used) {
    RoutingTrace trace{n_layers, n_used, n_tokens, {}};
    trace.experts.resize(static_cast<std::size_t>(n_layers) * static_cast<std::size_t>(n_tokens) *
                         static_cast<std::size_t>(n_used));
    return trace;
  }
  /// [n_used] experts of token `token` in layer `layer`
  [[nodiscard]] std::int32_t* at(int layer, int token) {
    return experts.data() + offset(layer, token);
  }
  [[nodiscard]] const std::int32_t* at(int layer, int token) const {
    return experts.data() + offset(layer, token);
  }
  /// False: there is kNoExpert.
  [[nodiscard]] bool has(int layer, int token) const { return *at(layer, token) != kNoExpert; }

 private:
  [[nodiscard]] std::size_t offset(int layer, int token) const {
    return (static_cast<std::size_t>(layer) * static_cast<std::size_t>(n_tokens) +
            static_cast<std::size_t>(token)) *
           static_cast<std::size_t>(n_used);
  }
};

}  // namespace jevons
