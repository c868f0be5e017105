// How fast a model will be on a machine, foretold from what both are: the model of speed behind
// `jevons plan`. docs/PLAN.md explains it with an example and says how well it did. Pure; any
// thread.
//
// A token of an answer takes the sum over all matrices of reading and multiplying, which pass at
// the same time, but where both take long, not quite:
//
//   t_matrix = ((bytes / (B * r))^4 + (2 * weights * n / (P * s(type, n)))^4)^(1/4)
//
// with B the machine's memory bandwidth, r = kBandwidthReached, P its 8-bit peak, s the share of it
// that our kernel of the type reaches with n tokens at once (meter/kernel_shares.h). Attention
// reads keys and values of the whole context and computes 4 * heads * head_dim operations for each
// of its positions:
//
//   kv bytes / (B * r) and 4 * q_size * positions * layers / (P32 * s_attention), put together
//   alike,
//
// and each loop that is divided among threads costs kSecondsPerLoop.
//
// Experts from disk: with a part f of their bytes in memory, h(f) of the uses find theirs there
// (expert_hit_rate). The others read (1 - h) * bytes / D from a disk of D bytes per second, of
// which a part kOverlap of the shorter of computing and reading is hidden behind the other:
//
//   t_token = t_compute + t_disk - kOverlap * min(t_compute, t_disk)
//
// Of N sequences side by side each reads its own keys and values, dense matrices are read once for
// all, and of E experts of a layer, k for each token, E * (1 - (1 - k/E)^N) differ.
//
// A prompt multiplies a chunk of n tokens with each matrix at once, an expert with n * k / E of
// them; the last layer computes keys and values alone, and the head one token. Experts that are not
// in memory are read once for each chunk while others are computed: there kPromptOverlap is hidden.
#pragma once

#include <string>

#include "meter/machine_facts.h"
#include "meter/planned_model.h"

namespace jevons {

enum class SpeedLimit { kMemory, kArithmetic, kDisk };
/// "memory", "arithmetic", "disk"
[[nodiscard]] const char* speed_limit_name(SpeedLimit limit);

struct SpeedEstimate {
  double expected = 0, low = 0, high = 0;  // tokens per second, of all sequences together
  SpeedLimit limit = SpeedLimit::kMemory;  // where most of the expected time goes
  // Seconds of the expected time of a token (of each sequence one; of a prompt, of one token).
  double memory_seconds = 0, arithmetic_seconds = 0, disk_seconds = 0;
  double hit_rate = 1;  // of the uses of experts, expected
  double bytes_per_token = 0, disk_bytes_per_token = 0;
};

struct SpeedSetup {
  const PlannedModel* model = nullptr;
  const MachineFacts* machine = nullptr;
  std::string kv_type = "q8_0";
  double resident = 1;               // part of the experts' bytes that is in memory
  double disk_bytes_per_second = 0;  // needed if resident is below 1
  int prompt_batch = 512;            // tokens of a prompt that are computed at once
};

/// One token for each of `n_sequences`, after `depth` tokens of context each.
[[nodiscard]] SpeedEstimate answer_speed(const SpeedSetup& setup, double depth,
                                         int n_sequences = 1);

/// A prompt of `n_tokens` after `depth` tokens.
[[nodiscard]] SpeedEstimate prompt_speed(const SpeedSetup& setup, double depth, double n_tokens);

/// What the session is about: it decides how often an expert comes again.
enum class Session { kOneTopic, kMixedWork, kManyTopics };

/// The part of the uses of experts that finds its expert in memory when a part `resident` of all
/// experts of each layer is there. Source: the routing of M2.5 as it was measured (locali, one
/// session of 33 passes), a generator fitted to it that changes its topic by 0.05, 0.15 and 0.25 a
/// token, and our own policy played against that: `jevons bench --replay generated:0.15`,
/// docs/PERFORMANCE.md. Without the first use of each expert.
[[nodiscard]] double expert_hit_rate(double resident, Session session);

/// Of `n_experts`, how many differ among those of `n_tokens` tokens with `n_used` each, if tokens
/// have nothing to do with each other.
[[nodiscard]] double experts_touched(int n_experts, int n_used, double n_tokens);

// Constants that were fitted to `jevons bench` of real layer dimensions (docs/PLAN.md).

/// Of the memory bandwidth that a program reaches which only reads.
inline constexpr double kBandwidthReached = 0.85;
/// Of a loop divided among threads: handing over and waiting.
inline constexpr double kSecondsPerLoop = 5e-6;
inline constexpr int kLoopsPerLayer = 7;  // n_loops of `jevons bench --breakdown --json`
/// Of the shorter of computing and reading from disk, what passes at the same time: of an answer,
/// where the next layer's experts must be guessed, and of a prompt, which takes nearly all of them.
inline constexpr double kOverlap = 0.4;
inline constexpr double kPromptOverlap = 0.95;
/// Of a machine that was measured, speeds are expected within this factor up and down; of one that
/// was not, within the other.
inline constexpr double kMeasuredSpread = 1.25;
inline constexpr double kModelledSpread = 1.6;

}  // namespace jevons
