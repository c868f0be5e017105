#include "model/foresight.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/router.h"

namespace jevons {
namespace {

constexpr double kLeastPrecision = 0.5;
constexpr double kWeight = 0.02;     // of one expert in its rank's average
constexpr unsigned kLookAgain = 64;  // layers

}  // namespace

Foresight::Foresight(const M2Weights& weights, const kernels::KernelSet& set, Linear& linear)
    : weights_(weights),
      set_(set),
      linear_(linear),
      normed_(kMostTokens, static_cast<std::size_t>(weights.config.hidden_size)),
      logits_(kMostTokens, static_cast<std::size_t>(weights.config.n_experts)),
      encoded_(set, kMostTokens, weights.config.hidden_size),
      x_(kMostTokens),
      y_(kMostTokens) {
  const auto n_used = static_cast<std::size_t>(weights.config.n_experts_used);
  const auto n_experts = static_cast<std::size_t>(weights.config.n_experts);
  chosen_.resize(kMostTokens * n_used);
  shares_.resize(kMostTokens * n_used);
  experts_.reserve(n_experts);
  ranks_.reserve(n_experts);
  worth_reading_.reserve(n_experts);
  precision_.resize(n_used, 1.0);
  tried_.resize(weights.layers.size());
  for (auto& tried : tried_) tried.reserve(kMostTokens * n_used);
  guessed_.resize(weights.layers.size() * n_experts);
  has_guess_.resize(weights.layers.size());
  encoded_.want(kernels::WeightFormat::kF32);
}

const int* Foresight::foresee(int layer, const FloatRows& hidden, int first_row, int n_tokens) {
  JEVONS_CHECK(n_tokens <= kMostTokens);
  const ModelConfig& c = weights_.config;
  const LayerWeights& weights = weights_.layers[static_cast<std::size_t>(layer)];
  for (int token = 0; token < n_tokens; ++token) {
    const auto row = static_cast<std::size_t>(token);
    set_.rms_norm(hidden.row(static_cast<std::size_t>(first_row + token)), weights.expert_norm,
                  normed_.row(row), c.hidden_size, c.rms_epsilon);
    encoded_.encode_row(token, normed_.row(row));
    x_[row] = encoded_.row(kernels::WeightFormat::kF32, token);
    y_[row] = logits_.row(row);
  }
  const MatmulJob job{router_matrix(weights, c), x_.data(), y_.data(), n_tokens};
  linear_.run({&job, 1});
  for (int token = 0; token < n_tokens; ++token) {
    int* chosen = chosen_.data() + token * c.n_experts_used;
    kernels::route(logits_.row(static_cast<std::size_t>(token)), weights.router_bias, c.n_experts,
                   c.n_experts_used, chosen, shares_.data());
  }
  return chosen_.data();
}

std::span<const int> Foresight::guess(int layer, const FloatRows& hidden, int n_tokens) {
  const int* chosen = foresee(layer, hidden, 0, n_tokens);
  const int n_used = weights_.config.n_experts_used;
  experts_.clear();
  ranks_.clear();
  for (int rank = 0; rank < n_used; ++rank) {
    for (int token = 0; token < n_tokens; ++token) add(chosen[token * n_used + rank], rank);
  }
  note(layer);
  return experts_;
}

std::span<const int> Foresight::take_recorded(int layer,
                                              std::span<const std::int32_t* const> experts) {
  experts_.clear();
  ranks_.clear();
  for (int rank = 0; rank < weights_.config.n_experts_used; ++rank) {
    for (const std::int32_t* of_token : experts) add(of_token[rank], rank);
  }
  note(layer);
  return experts_;
}

void Foresight::add(int expert, int rank) {
  if (std::find(experts_.begin(), experts_.end(), expert) != experts_.end()) return;
  experts_.push_back(expert);
  ranks_.push_back(static_cast<std::size_t>(rank));
}

void Foresight::note(int layer) {
  std::uint8_t* row = &was_guessed(layer, 0);
  std::fill_n(row, weights_.config.n_experts, std::uint8_t{0});
  for (const int expert : experts_) row[expert] = 1;
  has_guess_[static_cast<std::size_t>(layer)] = 1;
}

void Foresight::learn_truth(int layer, std::span<const int> chosen) {
  std::uint8_t& has_guess = has_guess_[static_cast<std::size_t>(layer)];
  if (has_guess == 0) return;
  has_guess = 0;
  const std::uint8_t* row = &was_guessed(layer, 0);
  const auto n_guessed =
      static_cast<std::uint64_t>(std::count(row, row + weights_.config.n_experts, 1));
  std::uint64_t n_right = 0;
  for (const int expert : chosen) n_right += row[expert];
  n_guessed_ += n_guessed;
  n_chosen_ += chosen.size();
  n_right_ += n_right;
  for (const Tried& tried : tried_[static_cast<std::size_t>(layer)]) {
    const bool is_right = std::find(chosen.begin(), chosen.end(), tried.expert) != chosen.end();
    precision_[tried.rank] += kWeight * ((is_right ? 1.0 : 0.0) - precision_[tried.rank]);
  }
}

std::span<const int> Foresight::worth_reading(int layer, std::span<const int> absent) {
  std::vector<Tried>& tried = tried_[static_cast<std::size_t>(layer)];
  tried.clear();
  worth_reading_.clear();
  for (const int expert : absent) {
    const auto place = std::find(experts_.begin(), experts_.end(), expert) - experts_.begin();
    const std::size_t rank = ranks_[static_cast<std::size_t>(place)];
    if (tried.size() < tried.capacity()) tried.push_back({expert, rank});
    if (precision_[rank] >= kLeastPrecision) worth_reading_.push_back(expert);
  }
  return worth_reading_;
}

bool Foresight::is_worthwhile() {
  const double best = *std::max_element(precision_.begin(), precision_.end());
  if (best < kLeastPrecision && ++n_left_out_ < kLookAgain) return false;
  n_left_out_ = 0;
  return true;
}

}  // namespace jevons
