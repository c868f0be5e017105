// The figures of `jevons bench --replay`, and how they come out as a table and as JSON. Pure; any
// thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/policy_replay.h"
#include "convert/routing_generator.h"

namespace jevons {

struct ReplayReport {
  /// What one size of memory does.
  struct Row {
    std::vector<int> slots;          // [n_layers]
    std::uint64_t memory_bytes = 0;  // of all slots
    ReplayResult jevons, recent, frequent, optimal;
    /// With guesses, where the routing has some: jevons again, that reads ahead what they name.
    ReplayResult guessing;
    double read_bytes_per_token = 0;  // what jevons misses

    /// Replays the routing, whose guesses may be empty. expert_bytes: [n_layers], of one expert.
    [[nodiscard]] static Result<Row> of(const GeneratedRouting& routing, int n_experts,
                                        std::span<const std::uint64_t> expert_bytes,
                                        std::vector<int> slots);
  };

  std::string model, routing;
  int n_tokens = 0;
  bool has_guesses = false;
  std::uint64_t dense_bytes = 0;   // what is no expert
  std::uint64_t expert_bytes = 0;  // all experts of all layers
  std::uint64_t ram_bytes = 0;     // asked for, its row stands among the others; 0: not
  std::vector<Row> rows;           // least memory first

  [[nodiscard]] std::string text(int columns) const;
  [[nodiscard]] std::string json() const;
};

}  // namespace jevons
