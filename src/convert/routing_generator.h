// Expert choices as a long session makes them, for replays that a short recording cannot feed.
//
// An expert's score in a layer is what the session likes (fixed, or drifting with the topic), plus
// something that lasts a few tokens, plus chance; a token takes the experts of the highest scores.
// The spreads are fitted to a recording of M2.5 over 32 tokens: how many experts a token shares
// with an earlier one, and how many different ones a stretch of tokens uses. Seeded, and the same
// on every machine. Any thread.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "model/routing_trace.h"

namespace jevons {

struct GeneratedSession {
  int n_layers = 62;
  int n_experts = 256;
  int n_used = 8;
  int n_tokens = 1024;
  /// Share of its taste's spread that a session forgets with each token: 0 stays on one topic,
  /// 0.05 is a conversation, 0.15 an agent's mixed work, 0.25 jumps about.
  float drift = 0.05F;
  std::uint64_t seed = 1;
};

struct GeneratedRouting {
  RoutingTrace chosen;
  /// What a look ahead, the layer's router run on the layer before, would name for each token, in
  /// no order. kNoGuess fills up: the first layer has none before it.
  RoutingTrace guessed;
};

inline constexpr std::int32_t kNoGuess = -1;

/// Refuses a shape that no network has. Layers of a shallower network are taken evenly from the
/// depth of M2.5, whose first layers and last choose more evenly than those between.
[[nodiscard]] Result<GeneratedRouting> generate_routing(const GeneratedSession& session);

/// The chance that a look ahead into this layer names a chosen expert.
[[nodiscard]] float guess_recall(int layer, int n_layers);

}  // namespace jevons
