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
                 Linear& linear, int max_tokens)
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
      encoded_gated_(set, max_tokens * n_used_, config_.expert_size) {
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
  const auto row_bytes = static_cast<std::size_t>(config_.hidden_size) * sizeof(float);
  const MatmulJob job{{kernels::WeightFormat::kF32, config_.n_experts, config_.hidden_size,
                       row_bytes, reinterpret_cast<const std::byte*>(layer.router)},
                      x_router_.data(),
                      y_router_.data(),
                      n_tokens};
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

void Experts::project_in(const LayerWeights& layer, int n_tokens) {
  const auto n_slots = static_cast<std::size_t>(n_tokens * n_used_);
  for (std::size_t i = 0; i < n_slots; ++i) {
    const auto slot = static_cast<std::size_t>(slots_[i]);
    const int token = slots_[i] / n_used_;
    x_gate_[i] = encoded_input_.row(layer.gate.format, token);
    x_up_[i] = encoded_input_.row(layer.up.format, token);
    y_gate_[i] = gate_.row(slot);
    y_up_[i] = up_.row(slot);
  }
  jobs_.clear();
  n_run_ = 0;
  for (int e = 0; e < config_.n_experts; ++e) {
    const auto first = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(e)]);
    const int n = first_slot_[static_cast<std::size_t>(e) + 1] - static_cast<int>(first);
    if (n == 0) continue;
    ++n_run_;
    jobs_.push_back({layer.gate.expert(e), x_gate_.data() + first, y_gate_.data() + first, n});
    jobs_.push_back({layer.up.expert(e), x_up_.data() + first, y_up_.data() + first, n});
  }
  linear_.run(jobs_);
}

void Experts::project_out(const LayerWeights& layer, const FloatRows& hidden, int n_tokens) {
  encoded_gated_.clear();
  encoded_gated_.want(layer.down.format);
  pool_.parallel_for(n_tokens * n_used_, [&](int slot, int) {
    float* gate = gate_.row(static_cast<std::size_t>(slot));
    set_.silu_multiply(gate, up_.row(static_cast<std::size_t>(slot)), gate, config_.expert_size);
    encoded_gated_.encode_row(slot, gate);
  });
  jobs_.clear();
  for (int e = 0; e < config_.n_experts; ++e) {
    const auto first = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(e)]);
    const auto end = static_cast<std::size_t>(first_slot_[static_cast<std::size_t>(e) + 1]);
    for (std::size_t i = first; i < end; ++i) {
      x_down_[i] = encoded_gated_.row(layer.down.format, slots_[i]);
      y_down_[i] = output_.row(static_cast<std::size_t>(slots_[i]));
    }
    if (end == first) continue;
    jobs_.push_back({layer.down.expert(e), x_down_.data() + first, y_down_.data() + first,
                     static_cast<int>(end - first)});
  }
  linear_.run(jobs_);
  pool_.parallel_for(n_tokens, [&](int token, int) {
    for (int rank = 0; rank < n_used_; ++rank) {
      const auto slot = static_cast<std::size_t>(token * n_used_ + rank);
      set_.add_scaled(hidden.row(static_cast<std::size_t>(token)), output_.row(slot), shares_[slot],
                      config_.hidden_size);
    }
  });
}

void Experts::mix(const LayerWeights& layer, const FloatRows& hidden, int n_tokens) {
  group_by_expert(n_tokens);
  project_in(layer, n_tokens);
  project_out(layer, hidden, n_tokens);
}

}  // namespace jevons
