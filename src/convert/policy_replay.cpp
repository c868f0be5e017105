#include "convert/policy_replay.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/check.h"
#include "convert/routing_generator.h"
#include "weights/expert_policy.h"

namespace jevons {
namespace {

std::span<const std::int32_t> chosen_by(const RoutingTrace& trace, int layer, int token) {
  return {trace.at(layer, token), static_cast<std::size_t>(trace.n_used)};
}

// What keeping each expert of one layer is worth, to one policy.
class Worth {
 public:
  virtual ~Worth() = default;
  virtual void note(int token, std::span<const std::int32_t> used) = 0;
  [[nodiscard]] virtual double of(std::int32_t expert) const = 0;
};

class PolicyWorth : public Worth {
 public:
  explicit PolicyWorth(int n_experts) : policy_(1, n_experts) {}
  void note(int /*token*/, std::span<const std::int32_t> used) override {
    uses_.clear();
    for (const std::int32_t expert : used) uses_.push_back({expert, 1});
    policy_.note_pass(0, 1, uses_);
  }
  [[nodiscard]] double of(std::int32_t expert) const override { return policy_.score(0, expert); }

 private:
  ExpertPolicy policy_;
  std::vector<ExpertUse> uses_;
};

class RecentWorth : public Worth {
 public:
  explicit RecentWorth(int n_experts) : last_(static_cast<std::size_t>(n_experts), -1) {}
  void note(int token, std::span<const std::int32_t> used) override {
    // Of one token's experts the router's first is kept longest.
    double rank = 0;
    for (const std::int32_t expert : used) {
      last_[static_cast<std::size_t>(expert)] = token + 1 - rank / static_cast<double>(used.size());
      ++rank;
    }
  }
  [[nodiscard]] double of(std::int32_t expert) const override {
    return last_[static_cast<std::size_t>(expert)];
  }

 private:
  std::vector<double> last_;  // [n_experts]: the token that used it, counted from 1
};

class FrequentWorth : public Worth {
 public:
  FrequentWorth(int n_experts, int n_tokens)
      : recent_(n_experts), uses_(static_cast<std::size_t>(n_experts)), n_tokens_(n_tokens) {}
  void note(int token, std::span<const std::int32_t> used) override {
    recent_.note(token, used);
    for (const std::int32_t expert : used) ++uses_[static_cast<std::size_t>(expert)];
  }
  [[nodiscard]] double of(std::int32_t expert) const override {
    return uses_[static_cast<std::size_t>(expert)] + recent_.of(expert) / (n_tokens_ + 1.0);
  }

 private:
  RecentWorth recent_;
  std::vector<int> uses_;  // [n_experts]
  int n_tokens_;
};

class OptimalWorth : public Worth {
 public:
  OptimalWorth(const RoutingTrace& trace, int layer, int n_experts)
      : n_used_(trace.n_used),
        next_(static_cast<std::size_t>(n_experts), kNever),
        next_of_use_(static_cast<std::size_t>(trace.n_tokens) *
                     static_cast<std::size_t>(trace.n_used)) {
    for (int token = trace.n_tokens - 1; token >= 0; --token) {
      if (!trace.has(layer, token)) continue;
      int* next_of_use = uses_of(token);
      for (const std::int32_t expert : chosen_by(trace, layer, token)) {
        int& next = next_[static_cast<std::size_t>(expert)];
        *next_of_use++ = next;
        next = token;
      }
    }
  }
  void note(int token, std::span<const std::int32_t> used) override {
    const int* next_of_use = uses_of(token);
    for (const std::int32_t expert : used) {
      next_[static_cast<std::size_t>(expert)] = *next_of_use++;
    }
  }
  [[nodiscard]] double of(std::int32_t expert) const override {
    return -next_[static_cast<std::size_t>(expert)];
  }

 private:
  static constexpr int kNever = std::numeric_limits<int>::max();
  int* uses_of(int token) {
    return next_of_use_.data() +
           static_cast<std::size_t>(token) * static_cast<std::size_t>(n_used_);
  }

  int n_used_;
  std::vector<int> next_;         // [n_experts]: the token that uses it next
  std::vector<int> next_of_use_;  // [n_tokens][n_used]: the token that uses it again
};

std::unique_ptr<Worth> worth_of(const RoutingTrace& trace, int layer,
                                const ReplayOptions& options) {
  switch (options.policy) {
    case ReplayPolicy::kJevons:
      return std::make_unique<PolicyWorth>(options.n_experts);
    case ReplayPolicy::kRecent:
      return std::make_unique<RecentWorth>(options.n_experts);
    case ReplayPolicy::kFrequent:
      return std::make_unique<FrequentWorth>(options.n_experts, trace.n_tokens);
    case ReplayPolicy::kOptimal:
      return std::make_unique<OptimalWorth>(trace, layer, options.n_experts);
  }
  JEVONS_CHECK(false);
  return nullptr;
}

// The memory of one layer.
class LayerMemory {
 public:
  LayerMemory(const ReplayOptions& options, int layer, Worth& worth)
      : slots_(static_cast<std::size_t>(options.slots[static_cast<std::size_t>(layer)])),
        worth_(worth),
        is_held_(static_cast<std::size_t>(options.n_experts)),
        was_used_(is_held_.size()) {}

  void pass(int token, std::span<const std::int32_t> used, ReplayCounts& counts) {
    for (const std::int32_t expert : used) {
      const auto e = static_cast<std::size_t>(expert);
      ++counts.n_uses;
      if (is_held_[e]) {
        ++counts.n_hits;
      } else if (!was_used_[e]) {
        ++counts.n_first_misses;
      }
      was_used_[e] = true;
    }
    for (const std::int32_t expert : used) load(expert);
    worth_.note(token, used);
  }

  // Counted before the pass, and read beside what it reads itself.
  void count_guesses(std::span<const std::int32_t> guesses, std::span<const std::int32_t> used,
                     GuessCounts& counts) const {
    std::int64_t n_guessed = 0;
    for (const std::int32_t expert : guesses) {
      if (expert == kNoGuess) continue;
      ++n_guessed;
      const bool is_right = std::ranges::find(used, expert) != used.end();
      const bool is_read = !is_held_[static_cast<std::size_t>(expert)];
      counts.n_right += is_right ? 1 : 0;
      counts.n_read += is_read ? 1 : 0;
      counts.n_read_used += is_read && is_right ? 1 : 0;
    }
    counts.n_guessed += n_guessed;
    if (n_guessed > 0) counts.n_uses += static_cast<std::int64_t>(used.size());
  }

  void load(std::int32_t expert) {
    if (expert == kNoGuess || is_held_[static_cast<std::size_t>(expert)]) return;
    is_held_[static_cast<std::size_t>(expert)] = true;
    held_.push_back(expert);
  }

  void drop_down_to_quota() {
    if (held_.size() <= slots_) return;
    const auto first_dropped = held_.begin() + static_cast<std::ptrdiff_t>(slots_);
    std::nth_element(held_.begin(), first_dropped, held_.end(),
                     [&](std::int32_t a, std::int32_t b) {
                       const double left = worth_.of(a), right = worth_.of(b);
                       return left > right || (left == right && a < b);
                     });
    for (auto dropped = first_dropped; dropped != held_.end(); ++dropped) {
      is_held_[static_cast<std::size_t>(*dropped)] = false;
    }
    held_.resize(slots_);
  }

 private:
  std::size_t slots_;
  Worth& worth_;
  std::vector<char> is_held_, was_used_;  // [n_experts]
  std::vector<std::int32_t> held_;
};

Result<void> check_experts(std::span<const std::int32_t> experts, int lowest, int n_experts) {
  const auto wrong = std::ranges::find_if(
      experts, [&](std::int32_t expert) { return expert < lowest || expert >= n_experts; });
  if (wrong == experts.end()) return {};
  return fail("a routing names expert {}, and there are {}", *wrong, n_experts);
}

Result<void> check_chosen(const RoutingTrace& trace, int n_experts) {
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    for (int token = 0; token < trace.n_tokens; ++token) {
      if (!trace.has(layer, token)) continue;
      JEVONS_TRY(check_experts(chosen_by(trace, layer, token), 0, n_experts));
    }
  }
  return {};
}

Result<void> check(const RoutingTrace& trace, const ReplayOptions& options) {
  if (options.slots.size() != static_cast<std::size_t>(trace.n_layers)) {
    return fail("there are slots for {} layers, and the routing has {}", options.slots.size(),
                trace.n_layers);
  }
  for (const int slots : options.slots) {
    if (slots < 0) return fail("a layer cannot hold {} experts", slots);
  }
  JEVONS_TRY(check_chosen(trace, options.n_experts));
  if (options.guesses == nullptr) return {};
  const RoutingTrace& guesses = *options.guesses;
  if (guesses.n_layers != trace.n_layers || guesses.n_tokens != trace.n_tokens) {
    return fail("the guesses are for {} layers and {} tokens, and the routing has {} and {}",
                guesses.n_layers, guesses.n_tokens, trace.n_layers, trace.n_tokens);
  }
  return check_experts(guesses.experts, kNoGuess, options.n_experts);
}

}  // namespace

ReplayCounts& ReplayCounts::operator+=(const ReplayCounts& other) {
  n_uses += other.n_uses;
  n_hits += other.n_hits;
  n_first_misses += other.n_first_misses;
  return *this;
}

Result<ReplayResult> replay_routing(const RoutingTrace& trace, const ReplayOptions& options) {
  JEVONS_TRY(check(trace, options));
  ReplayResult result;
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    const std::unique_ptr<Worth> worth = worth_of(trace, layer, options);
    LayerMemory memory(options, layer, *worth);
    ReplayCounts counts;
    for (int token = 0; token < trace.n_tokens; ++token) {
      if (!trace.has(layer, token)) continue;
      const std::span<const std::int32_t> used = chosen_by(trace, layer, token);
      std::span<const std::int32_t> guesses;
      if (options.guesses != nullptr) guesses = chosen_by(*options.guesses, layer, token);
      memory.count_guesses(guesses, used, result.guesses);
      memory.pass(token, used, counts);
      for (const std::int32_t expert : guesses) memory.load(expert);
      memory.drop_down_to_quota();
    }
    result.all += counts;
    result.layers.push_back(counts);
  }
  return result;
}

std::vector<int> slots_within(std::uint64_t budget_bytes,
                              std::span<const std::uint64_t> expert_bytes, int n_experts) {
  double total = 0;
  for (const std::uint64_t bytes : expert_bytes) total += static_cast<double>(bytes);
  // What one layer leaves over, the next may take.
  const double slots = static_cast<double>(budget_bytes) / total;
  double share = 0, spent = 0;
  std::vector<int> result;
  for (const std::uint64_t n_bytes : expert_bytes) {
    const auto bytes = static_cast<double>(n_bytes);
    share += bytes * slots;
    const double fitting = std::min((share - spent) / bytes, static_cast<double>(n_experts));
    result.push_back(static_cast<int>(fitting));
    spent += bytes * result.back();
  }
  return result;
}

}  // namespace jevons
