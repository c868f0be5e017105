#include "model/experts.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/router.h"
#include "kernels/vector_kernels.h"

namespace jevons {
namespace {

std::size_t slot_count(const ModelConfig& config, int max_tokens) {
  return static_cast<std::size_t>(max_tokens) * static_cast<std::size_t>(config.n_experts_used);
}

}  // namespace

Experts::Experts(const M2Weights& weights, const kernels::KernelSet& set, ThreadPool& pool,
                 Linear& linear, int max_tokens, ExpertCache* cache)
    : config_(weights.config),
      n_used_(config_.n_experts_used),
      set_(set),
      pool_(pool),
      linear_(linear),
      router_logits_(static_cast<std::size_t>(max_tokens),
                     static_cast<std::size_t>(config_.n_experts)),
      gate_(slot_count(config_, max_tokens), static_cast<std::size_t>(config_.expert_size)),
      up_(slot_count(config_, max_tokens), static_cast<std::size_t>(config_.expert_size)),
      output_(slot_count(config_, max_tokens), static_cast<std::size_t>(config_.hidden_size)),
      encoded_input_(set, max_tokens, config_.hidden_size),
      encoded_gated_(set, max_tokens * n_used_, config_.expert_size),
      cache_(cache) {
  const std::size_t n_slots = slot_count(config_, max_tokens);
  const auto n_tokens = static_cast<std::size_t>(max_tokens);
  experts_.resize(n_slots);
  shares_.resize(n_slots);
  slots_.resize(n_slots);
  first_slot_.resize(static_cast<std::size_t>(config_.n_experts) + 1);
  for (auto* rows : {&x_gate_, &x_up_, &x_down_}) rows->resize(n_slots);
  for (auto* rows : {&y_gate_, &y_up_, &y_down_}) rows->resize(n_slots);
  x_router_.resize(n_tokens);
  y_router_.resize(n_tokens);
  jobs_.reserve(2 * static_cast<std::size_t>(config_.n_experts));
  used_.reserve(static_cast<std::size_t>(config_.n_experts));
  uses_.reserve(static_cast<std::size_t>(config_.n_experts));
  some_slots_.reserve(n_slots);
  // Every buffer that some layer will want is made now, so that forward() never allocates.
  encoded_input_.want(kernels::WeightFormat::kF32);
  for (const LayerWeights& layer : weights.layers) {
    encoded_input_.want(layer.gate.format);
    encoded_input_.want(layer.up.format);
    encoded_gated_.want(layer.down.format);
  }
}

void Experts::force(int token, const std::int32_t* experts) {
  const float* logits = router_logits_.row(static_cast<std::size_t>(token));
  const auto first = static_cast<std::size_t>(token * n_used_);
  float sum = 0;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(n_used_); ++rank) {
    experts_[first + rank] = experts[rank];
    shares_[first + rank] = kernels::sigmoid(logits[experts[rank]]);
    sum += shares_[first + rank];
  }
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(n_used_); ++rank) {
    shares_[first + rank] /= sum;
  }
}

void Experts::route(const LayerWeights& layer, const FloatRows& normed, int n_tokens,
                    const std::int32_t* const* forced) {
  encoded_input_.clear();
  encoded_input_.want(kernels::WeightFormat::kF32);
  encoded_input_.want(layer.gate.format);
  encoded_input_.want(layer.up.format);
  pool_.parallel_for(n_tokens, [&](int token, int) {
    encoded_input_.encode_row(token, normed.row(static_cast<std::size_t>(token)));
  });
  for (std::size_t token = 0; token < static_cast<std::size_t>(n_tokens); ++token) {
    x_router_[token] = encoded_input_.row(kernels::WeightFormat::kF32, static_cast<int>(token));
    y_router_[token] = router_logits_.row(token);
  }
  const MatmulJob job{router_matrix(layer, config_), x_router_.data(), y_router_.data(), n_tokens};
  linear_.run({&job, 1});
  pool_.parallel_for(n_tokens, [&](int token, int) {
    const auto first = static_cast<std::size_t>(token * n_used_);
    if (forced != nullptr && forced[token] != nullptr) {
      force(token, forced[token]);
    } else {
      kernels::route(router_logits_.row(static_cast<std::size_t>(token)), layer.router_bias,
                     config_.n_experts, n_used_, experts_.data() + first, shares_.data() + first);
    }
  });
}

void Experts::group_by_expert(int n_tokens) {
  std::fill(first_slot_.begin(), first_slot_.end(), 0);
  const auto n_slots = static_cast<std::size_t>(n_tokens * n_used_);
  for (std::size_t slot = 0; slot < n_slots; ++slot) {
    ++first_slot_[static_cast<std::size_t>(experts_[slot]) + 1];
  }
  for (std::size_t e = 1; e < first_slot_.size(); ++e) first_slot_[e] += first_slot_[e - 1];
  // Counting sort; walking backwards keeps tokens in order and leaves first_slot_ as it must be.
  for (std::size_t slot = n_slots; slot-- > 0;) {
    int& end = first_slot_[static_cast<std::size_t>(experts_[slot]) + 1];
    slots_[static_cast<std::size_t>(--end)] = static_cast<int>(slot);
  }
  for (std::size_t e = 0; e + 1 < first_slot_.size(); ++e) first_slot_[e] = first_slot_[e + 1];
  first_slot_.back() = static_cast<int>(n_slots);
}

std::span<const int> Experts::slots_of(int expert) const {
  const auto first = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(expert)]);
  const auto end = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(expert) + 1]);
  return std::span(slots_).subspan(first, end - first);
}

Matrix Experts::matrix(int layer_index, const ExpertMatrices& matrices, int expert,
                       std::size_t part) const {
  Matrix matrix = matrices.expert(expert);
  if (cache_ != nullptr) matrix.data = cache_->data(layer_index, expert, part);
  return matrix;
}

void Experts::project_in(int layer_index, const LayerWeights& layer, std::span<const int> experts) {
  jobs_.clear();
  for (const int e : experts) {
    const auto first = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(e)]);
    const std::span<const int> slots = slots_of(e);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const auto slot = static_cast<std::size_t>(slots[i]);
      const int token = slots[i] / n_used_;
      x_gate_[first + i] = encoded_input_.row(layer.gate.format, token);
      x_up_[first + i] = encoded_input_.row(layer.up.format, token);
      y_gate_[first + i] = gate_.row(slot);
      y_up_[first + i] = up_.row(slot);
    }
    const auto n = static_cast<int>(slots.size());
    jobs_.push_back(
        {matrix(layer_index, layer.gate, e, 0), x_gate_.data() + first, y_gate_.data() + first, n});
    jobs_.push_back(
        {matrix(layer_index, layer.up, e, 1), x_up_.data() + first, y_up_.data() + first, n});
  }
  linear_.run(jobs_);
}

void Experts::project_out(int layer_index, const LayerWeights& layer,
                          std::span<const int> experts) {
  some_slots_.clear();
  for (const int e : experts) {
    const std::span<const int> slots = slots_of(e);
    some_slots_.insert(some_slots_.end(), slots.begin(), slots.end());
  }
  pool_.parallel_for(static_cast<int>(some_slots_.size()), [&](int i, int) {
    const int slot = some_slots_[static_cast<std::size_t>(i)];
    float* gate = gate_.row(static_cast<std::size_t>(slot));
    set_.silu_multiply(gate, up_.row(static_cast<std::size_t>(slot)), gate, config_.expert_size);
    encoded_gated_.encode_row(slot, gate);
  });
  jobs_.clear();
  for (const int e : experts) {
    const auto first = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(e)]);
    const std::span<const int> slots = slots_of(e);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      x_down_[first + i] = encoded_gated_.row(layer.down.format, slots[i]);
      y_down_[first + i] = output_.row(static_cast<std::size_t>(slots[i]));
    }
    jobs_.push_back({matrix(layer_index, layer.down, e, 2), x_down_.data() + first,
                     y_down_.data() + first, static_cast<int>(slots.size())});
  }
  linear_.run(jobs_);
}

void Experts::run_some(int layer_index, const LayerWeights& layer, std::span<const int> experts) {
  project_in(layer_index, layer, experts);
  project_out(layer_index, layer, experts);
}

void Experts::choose(int layer_index, int n_tokens) {
  group_by_expert(n_tokens);
  used_.clear();
  for (int e = 0; e < config_.n_experts; ++e) {
    if (!slots_of(e).empty()) used_.push_back(e);
  }
  if (cache_ == nullptr) return;
  uses_.clear();
  for (const int e : used_) uses_.push_back({e, static_cast<int>(slots_of(e).size())});
  cache_->begin(layer_index, n_tokens, uses_);
}

Result<void> Experts::mix(int layer_index, const LayerWeights& layer, const FloatRows& hidden,
                          int n_tokens, const std::atomic<bool>* abandon) {
  encoded_gated_.clear();
  encoded_gated_.want(layer.down.format);
  if (cache_ == nullptr) {
    run_some(layer_index, layer, used_);
  } else {
    for (;;) {
      const std::span<const int> ready = cache_->take_ready(abandon);
      if (ready.empty()) break;
      run_some(layer_index, layer, ready);
      cache_->done(ready);
    }
    JEVONS_TRY(cache_->end());
  }
  pool_.parallel_for(n_tokens, [&](int token, int) {
    for (int rank = 0; rank < n_used_; ++rank) {
      const auto slot = static_cast<std::size_t>(token * n_used_ + rank);
      set_.add_scaled(hidden.row(static_cast<std::size_t>(token)), output_.row(slot), shares_[slot],
                      config_.hidden_size);
    }
  });
  return {};
}

}  // namespace jevons
