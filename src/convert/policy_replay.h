// A recorded routing played against memory for some experts of each layer: how many of the chosen
// ones were there already, under our policy and under those it is judged by. Nothing is computed or
// read. Any thread.
//
// Tokens come one at a time. An expert that is in memory before its pass is a hit; the others are
// read, and after the pass the layer drops the experts of the lowest worth until its quota holds,
// which may be those just read.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "model/routing_trace.h"

namespace jevons {

enum class ReplayPolicy {
  kJevons,    // ExpertPolicy
  kRecent,    // keeps the most recently used
  kFrequent,  // keeps the most often used, of equals the most recent
  kOptimal,   // keeps those whose next use is nearest, which nobody can know
};

struct ReplayCounts {
  std::int64_t n_uses = 0;
  std::int64_t n_hits = 0;
  /// Of the misses, those of experts that no token of the trace had used before.
  std::int64_t n_first_misses = 0;

  /// 0 without uses, as below.
  [[nodiscard]] double hit_rate() const { return ratio(n_hits, n_uses); }
  [[nodiscard]] double hit_rate_without_first() const {
    return ratio(n_hits, n_uses - n_first_misses);
  }
  ReplayCounts& operator+=(const ReplayCounts& other);

  [[nodiscard]] static double ratio(std::int64_t part, std::int64_t whole) {
    return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  }
};

/// What guesses before each pass were worth, if all that they ask for arrives in time.
struct GuessCounts {
  std::int64_t n_guessed = 0;    // experts named
  std::int64_t n_right = 0;      // of them used
  std::int64_t n_uses = 0;       // by tokens and layers with guesses
  std::int64_t n_read = 0;       // named and not in memory: read ahead
  std::int64_t n_read_used = 0;  // of them used

  [[nodiscard]] double precision() const { return ReplayCounts::ratio(n_right, n_guessed); }
  [[nodiscard]] double recall() const { return ReplayCounts::ratio(n_right, n_uses); }
  /// Of what was read ahead.
  [[nodiscard]] double useful() const { return ReplayCounts::ratio(n_read_used, n_read); }
};

struct ReplayOptions {
  ReplayPolicy policy = ReplayPolicy::kJevons;
  int n_experts = 0;
  std::span<const int> slots;  // [n_layers]: experts that stay between passes
  /// Of the trace's shape, kNoGuess where there is none; nullptr: nothing is read ahead.
  const RoutingTrace* guesses = nullptr;
};

struct ReplayResult {
  ReplayCounts all;
  std::vector<ReplayCounts> layers;
  GuessCounts guesses;

  /// Experts that were there in time, by luck or by guess, of all uses.
  [[nodiscard]] double ready_rate() const {
    return ReplayCounts::ratio(all.n_hits + guesses.n_read_used, all.n_uses);
  }
};

/// Refuses traces, guesses and slots that do not fit each other.
[[nodiscard]] Result<ReplayResult> replay_routing(const RoutingTrace& trace,
                                                  const ReplayOptions& options);

/// Slots for each layer that together take at most `budget_bytes`, as even as whole experts allow.
/// expert_bytes: [n_layers], of one expert of each layer.
[[nodiscard]] std::vector<int> slots_within(std::uint64_t budget_bytes,
                                            std::span<const std::uint64_t> expert_bytes,
                                            int n_experts);

}  // namespace jevons
