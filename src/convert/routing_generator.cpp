#include "convert/routing_generator.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "convert/random_numbers.h"

namespace jevons {
namespace {

constexpr float kTasteSpread = 1.6F;    // of what a session likes, before the layer's scale
constexpr float kPassingSpread = 1.3F;  // of what lasts a few tokens
constexpr float kPassingKept = 0.5F;    // of it, from token to token
constexpr int kRecordedLayers = 62;

// How strongly a layer of M2.5 prefers the session's experts, from how few it used in 32 tokens: 27
// in the first layer, 97 in layers 2 to 7, 76 from 18 on, 89 from 52 on, 96 in the last two.
float taste_scale(int recorded_layer) {
  struct Stretch {
    int first_layer;
    float scale;
  };
  constexpr Stretch kStretches[] = {{60, 0.70F}, {52, 0.86F}, {18, 1.10F}, {8, 0.86F},
                                    {2, 0.72F},  {1, 1.60F},  {0, 2.60F}};
  for (const Stretch& stretch : kStretches) {
    if (recorded_layer >= stretch.first_layer) return stretch.scale;
  }
  return 1;
}

// The layer of M2.5 that stands as deep. A network of at least its depth is taken as it is.
int recorded_layer_of(int layer, int n_layers) {
  if (n_layers >= kRecordedLayers) return std::min(layer, kRecordedLayers - 1);
  return layer * kRecordedLayers / n_layers;
}

// Closer to normal in its tails, from which the chosen experts come, than one such number.
float normal(RandomNumbers& numbers) {
  const float first = numbers.normal();
  return (first + numbers.normal()) * 0.70710678F;
}

class LayerGenerator {
 public:
  LayerGenerator(const GeneratedSession& session, int layer)
      : numbers_(session.seed, "routing", static_cast<std::uint64_t>(layer)),
        n_used_(session.n_used),
        drift_(session.drift),
        taste_spread_(kTasteSpread * taste_scale(recorded_layer_of(layer, session.n_layers))),
        taste_(static_cast<std::size_t>(session.n_experts)),
        passing_(taste_.size()),
        scores_(taste_.size()),
        order_(taste_.size()) {
    for (float& taste : taste_) taste = taste_spread_ * normal(numbers_);
    for (float& passing : passing_) passing = kPassingSpread * normal(numbers_);
  }

  void next_token() {
    const float kept_taste = std::sqrt(1 - drift_ * drift_);
    const float fresh_passing = kPassingSpread * std::sqrt(1 - kPassingKept * kPassingKept);
    for (std::size_t e = 0; e < taste_.size(); ++e) {
      if (drift_ > 0) {
        taste_[e] = kept_taste * taste_[e] + drift_ * taste_spread_ * normal(numbers_);
      }
      passing_[e] = kPassingKept * passing_[e] + fresh_passing * normal(numbers_);
      scores_[e] = taste_[e] + passing_[e] + normal(numbers_);
    }
    std::iota(order_.begin(), order_.end(), 0);
    const auto n_ranked = static_cast<std::ptrdiff_t>(
        std::min(order_.size(), static_cast<std::size_t>(n_ranked_for_guesses())));
    std::partial_sort(order_.begin(), order_.begin() + n_ranked, order_.end(),
                      [&](std::int32_t a, std::int32_t b) {
                        const float left = scores_[static_cast<std::size_t>(a)];
                        const float right = scores_[static_cast<std::size_t>(b)];
                        return left > right || (left == right && a < b);
                      });
    near_misses_.assign(order_.begin() + n_used_, order_.begin() + n_ranked);
  }

  [[nodiscard]] std::span<const std::int32_t> chosen() const {
    return {order_.data(), static_cast<std::size_t>(n_used_)};
  }

  // Each chosen expert with this chance, and near misses in place of the others.
  void guess(float recall, std::int32_t* guesses) {
    std::int32_t* const end = guesses + n_used_;
    for (const std::int32_t expert : chosen()) {
      if (guess_numbers_.uniform() < recall) *guesses++ = expert;
    }
    while (guesses < end && !near_misses_.empty()) {
      const std::uint32_t drawn =
          guess_numbers_.below(static_cast<std::uint32_t>(near_misses_.size()));
      *guesses++ = std::exchange(near_misses_[drawn], near_misses_.back());
      near_misses_.pop_back();
    }
    std::fill(guesses, end, kNoGuess);
  }

 private:
  // Wrong guesses come from ranks 9 to 20 where 8 experts are used.
  [[nodiscard]] int n_ranked_for_guesses() const { return n_used_ + (3 * n_used_ + 1) / 2; }

  RandomNumbers numbers_;
  RandomNumbers guess_numbers_{numbers_.next()};
  int n_used_;
  float drift_, taste_spread_;
  std::vector<float> taste_, passing_, scores_;  // [n_experts]
  std::vector<std::int32_t> order_;              // [n_experts], the best of them sorted
  std::vector<std::int32_t> near_misses_;
};

}  // namespace

float guess_recall(int layer, int n_layers) {
  constexpr float kFirst = 0.45F, kDeep = 0.85F;
  constexpr int kLastOfFirst = 3, kFirstOfDeep = 20;
  const int recorded = recorded_layer_of(layer, n_layers);
  if (layer == 0) return 0;
  const float depth = static_cast<float>(recorded - kLastOfFirst) / (kFirstOfDeep - kLastOfFirst);
  return kFirst + (kDeep - kFirst) * std::clamp(depth, 0.0F, 1.0F);
}

Result<GeneratedRouting> generate_routing(const GeneratedSession& session) {
  if (session.n_layers < 1 || session.n_tokens < 1) {
    return fail("a routing of {} layers and {} tokens cannot be made", session.n_layers,
                session.n_tokens);
  }
  if (session.n_used < 1 || session.n_used > session.n_experts) {
    return fail("{} of {} experts cannot be chosen", session.n_used, session.n_experts);
  }
  if (!(session.drift >= 0 && session.drift <= 1)) {
    return fail("the drift is {}, and must be between 0 and 1", session.drift);
  }
  GeneratedRouting routing{RoutingTrace::sized(session.n_layers, session.n_tokens, session.n_used),
                           RoutingTrace::sized(session.n_layers, session.n_tokens, session.n_used)};
  for (int layer = 0; layer < session.n_layers; ++layer) {
    LayerGenerator generator(session, layer);
    for (int token = 0; token < session.n_tokens; ++token) {
      generator.next_token();
      std::ranges::copy(generator.chosen(), routing.chosen.at(layer, token));
      if (layer == 0) {
        std::fill_n(routing.guessed.at(layer, token), session.n_used, kNoGuess);
      } else {
        generator.guess(guess_recall(layer, session.n_layers), routing.guessed.at(layer, token));
      }
    }
  }
  return routing;
}

}  // namespace jevons
