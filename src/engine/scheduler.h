// Who goes next: the engine's policy as pure functions over plain facts, so that it can be tested
// without a model. No state, any thread.
//
// - Interactive work goes strictly before background work. Background sequences keep their place
//   and their pages, and stand still while anything interactive can run.
// - Within a class, a free place goes to a sequence that had to give its place up, else to the
//   client with the fewest sequences at work, else to the one served longest ago.
// - A slice of prompt work is halved between the prompt that is nearest its end and the one that
//   came first: a short prompt never waits for a long one to end, and a long one always advances.
// - When pages run out, the youngest background sequence gives up its own, then the youngest
//   interactive one: the oldest always reaches its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/completion.h"

namespace jevons {

/// One request that waits for a place, or has one.
struct SchedulerEntry {
  std::size_t index;  // the caller's
  Priority priority;
  std::string_view client;
  std::uint64_t arrival;   // grows with every request
  bool has_begun = false;  // had a place before and gave it up
};

/// When each client was last given a place: a counter that grows. Clients that are not there were
/// never served, or have nothing left to do.
using ServiceHistory = std::map<std::string, std::uint64_t, std::less<>>;

/// The waiting entry that gets the next place; nothing if none waits.
[[nodiscard]] std::optional<std::size_t> next_to_admit(std::span<const SchedulerEntry> waiting,
                                                       std::span<const SchedulerEntry> admitted,
                                                       const ServiceHistory& history);

/// The entry that gives up its pages; nothing for an empty list.
[[nodiscard]] std::optional<std::size_t> next_to_preempt(std::span<const SchedulerEntry> holders);

/// Tokens of prompts in a step between the layers of a long pass; more would touch most experts.
inline constexpr int kMostBetween = 16;

struct PromptWork {
  std::size_t index;  // the caller's
  int n_remaining;    // tokens, at least 1
  std::uint64_t arrival;
};
struct PromptShare {
  std::size_t index;
  int n_tokens;
};
/// Cuts `n_tokens` among prompts; shares of nothing are left out.
[[nodiscard]] std::vector<PromptShare> divide_slice(std::span<const PromptWork> prompts,
                                                    int n_tokens);

}  // namespace jevons
