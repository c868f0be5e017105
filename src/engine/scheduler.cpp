#include "engine/scheduler.h"

#include <algorithm>
#include <tuple>

namespace jevons {
namespace {

int n_of_client(std::span<const SchedulerEntry> entries, const SchedulerEntry& like) {
  return static_cast<int>(
      std::count_if(entries.begin(), entries.end(), [&](const SchedulerEntry& entry) {
        return entry.priority == like.priority && entry.client == like.client;
      }));
}

}  // namespace

std::optional<std::size_t> next_to_admit(std::span<const SchedulerEntry> waiting,
                                         std::span<const SchedulerEntry> admitted,
                                         const ServiceHistory& history) {
  const auto rank = [&](const SchedulerEntry& entry) {
    const auto served = history.find(entry.client);
    return std::tuple(
        entry.priority, !entry.has_begun, entry.has_begun ? 0 : n_of_client(admitted, entry),
        entry.has_begun || served == history.end() ? 0 : served->second, entry.arrival);
  };
  std::optional<std::size_t> best;
  std::optional<decltype(rank(waiting.front()))> best_rank;
  for (const SchedulerEntry& entry : waiting) {
    const auto its_rank = rank(entry);
    if (best_rank && *best_rank <= its_rank) continue;
    best_rank.emplace(its_rank);
    best = entry.index;
  }
  return best;
}

std::optional<std::size_t> next_to_preempt(std::span<const SchedulerEntry> holders) {
  if (holders.empty()) return std::nullopt;
  const auto last = std::max_element(
      holders.begin(), holders.end(), [](const SchedulerEntry& a, const SchedulerEntry& b) {
        return std::tuple(a.priority, a.arrival) < std::tuple(b.priority, b.arrival);
      });
  return last->index;
}

std::vector<PromptShare> divide_slice(std::span<const PromptWork> prompts, int n_tokens) {
  std::vector<PromptWork> by_length(prompts.begin(), prompts.end());
  std::sort(by_length.begin(), by_length.end(), [](const PromptWork& a, const PromptWork& b) {
    return std::tuple(a.n_remaining, a.arrival) < std::tuple(b.n_remaining, b.arrival);
  });
  const auto oldest = std::min_element(
      by_length.begin(), by_length.end(),
      [](const PromptWork& a, const PromptWork& b) { return a.arrival < b.arrival; });
  std::vector<int> taken(by_length.size(), 0);
  int left = n_tokens;
  const auto give = [&](std::size_t i, int most) {
    const int n = std::min({left, most, by_length[i].n_remaining - taken[i]});
    taken[i] += n;
    left -= n;
  };
  if (!by_length.empty()) {
    give(static_cast<std::size_t>(oldest - by_length.begin()), n_tokens / 2);
  }
  for (std::size_t i = 0; i < by_length.size(); ++i) give(i, left);
  std::vector<PromptShare> shares;
  for (std::size_t i = 0; i < by_length.size(); ++i) {
    if (taken[i] > 0) shares.push_back({by_length[i].index, taken[i]});
  }
  return shares;
}

}  // namespace jevons
