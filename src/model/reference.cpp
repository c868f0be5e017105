#include "model/reference.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "kernels/dequantize.h"

namespace jevons {
namespace {

using Rows = std::vector<std::vector<float>>;

Rows make_rows(std::size_t n_rows, int n_columns) {
  return Rows(n_rows, std::vector<float>(static_cast<std::size_t>(n_columns)));
}

// y[t] = W x[t] for every t in `tokens`; each weight row is unpacked once.
void multiply(const Matrix& matrix, const Rows& x, Rows& y, std::span<const int> tokens,
              ThreadPool& pool) {
  const auto n_columns = static_cast<std::size_t>(matrix.n_columns);
  pool.parallel_for(static_cast<int>(matrix.n_rows), [&](int r, int) {
    std::vector<float> row(n_columns);
    kernels::dequantize_row(matrix.format,
                            matrix.data + matrix.row_bytes * static_cast<std::size_t>(r),
                            row.data(), static_cast<int>(n_columns));
    for (const int t : tokens) {
      const auto token = static_cast<std::size_t>(t);
      double sum = 0;
      for (std::size_t k = 0; k < n_columns; ++k) {
        sum += static_cast<double>(row[k]) * static_cast<double>(x[token][k]);
      }
      y[token][static_cast<std::size_t>(r)] = static_cast<float>(sum);
    }
  });
}

void rms_norm(std::vector<float>& x, const float* weight, float epsilon) {
  double squares = 0;
  for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
  const double scale =
      1.0 / std::sqrt(squares / static_cast<double>(x.size()) + static_cast<double>(epsilon));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(static_cast<double>(x[i]) * scale) * weight[i];
  }
}

// Rotates the pairs (i, i + rotary_dim / 2) of each head; dims beyond rotary_dim stay.
void rope(std::vector<float>& heads, const ModelConfig& config, int position) {
  const int half = config.rotary_dim / 2;
  for (std::size_t head = 0; head < heads.size();
       head += static_cast<std::size_t>(config.head_dim)) {
    for (int i = 0; i < half; ++i) {
      const double frequency =
          std::pow(static_cast<double>(config.rope_theta), -2.0 * i / config.rotary_dim);
      const double cosine = std::cos(position * frequency);
      const double sine = std::sin(position * frequency);
      float& first = heads[head + static_cast<std::size_t>(i)];
      float& second = heads[head + static_cast<std::size_t>(i + half)];
      const double a = first;
      const double b = second;
      first = static_cast<float>(a * cosine - b * sine);
      second = static_cast<float>(b * cosine + a * sine);
    }
  }
}

// One query head over keys 0..t.
void attend_head(const ModelConfig& config, const Rows& q, const Rows& k, const Rows& v,
                 std::size_t t, int head, std::vector<float>& out) {
  const auto head_dim = static_cast<std::size_t>(config.head_dim);
  const std::size_t q_first = static_cast<std::size_t>(head) * head_dim;
  const std::size_t kv_first =
      static_cast<std::size_t>(head / (config.n_heads / config.n_kv_heads)) * head_dim;
  std::vector<double> scores(t + 1);
  for (std::size_t s = 0; s <= t; ++s) {
    double dot = 0;
    for (std::size_t i = 0; i < head_dim; ++i) {
      dot += static_cast<double>(q[t][q_first + i]) * static_cast<double>(k[s][kv_first + i]);
    }
    scores[s] = dot / std::sqrt(static_cast<double>(config.head_dim));
  }
  const double maximum = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - maximum);
  for (std::size_t i = 0; i < head_dim; ++i) {
    double value = 0;
    for (std::size_t s = 0; s <= t; ++s) {
      value += scores[s] * static_cast<double>(v[s][kv_first + i]);
    }
    out[q_first + i] = static_cast<float>(value / sum);
  }
}

struct Choice {
  std::vector<int> experts;  // in the order of their selection score
  std::vector<double> shares;
};

Choice choose(const ModelConfig& config, const float* bias, const std::vector<float>& logits,
              const std::int32_t* forced) {
  const auto n_used = static_cast<std::size_t>(config.n_experts_used);
  std::vector<double> p(logits.size());
  for (std::size_t e = 0; e < p.size(); ++e) {
    p[e] = 1.0 / (1.0 + std::exp(-static_cast<double>(logits[e])));
  }
  std::vector<int> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  const auto score = [&](int e) {
    return static_cast<float>(p[static_cast<std::size_t>(e)]) + bias[e];
  };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return score(a) > score(b); });
  Choice choice;
  double sum = 0;
  for (std::size_t rank = 0; rank < n_used; ++rank) {
    choice.experts.push_back(forced != nullptr ? forced[rank] : order[rank]);
    sum += p[static_cast<std::size_t>(choice.experts.back())];
  }
  for (const int e : choice.experts) choice.shares.push_back(p[static_cast<std::size_t>(e)] / sum);
  return choice;
}

class Reference {
 public:
  Reference(const M2Weights& weights, std::span<const std::int32_t> ids, ThreadPool& pool,
            const ReferenceHooks& hooks)
      : weights_(weights), config_(weights.config), pool_(pool), hooks_(hooks), n_(ids.size()) {
    everyone_.resize(n_);
    std::iota(everyone_.begin(), everyone_.end(), 0);
    hidden_ = make_rows(n_, config_.hidden_size);
    const Matrix& table = weights.token_embedding;
    for (std::size_t t = 0; t < n_; ++t) {
      JEVONS_CHECK(ids[t] >= 0 && ids[t] < config_.vocab_size);
      kernels::dequantize_row(table.format,
                              table.data + table.row_bytes * static_cast<std::size_t>(ids[t]),
                              hidden_[t].data(), config_.hidden_size);
    }
  }

  std::vector<float> run() {
    for (int index = 0; index < config_.n_layers; ++index) {
      const LayerWeights& layer = weights_.layers[static_cast<std::size_t>(index)];
      add_attention(layer);
      add_experts(index, layer);
    }
    for (auto& row : hidden_) rms_norm(row, weights_.output_norm, config_.rms_epsilon);
    Rows logits = make_rows(n_, config_.vocab_size);
    multiply(weights_.output, hidden_, logits, everyone_, pool_);
    std::vector<float> flat;
    flat.reserve(n_ * static_cast<std::size_t>(config_.vocab_size));
    for (const auto& row : logits) flat.insert(flat.end(), row.begin(), row.end());
    return flat;
  }

 private:
  void add_attention(const LayerWeights& layer) {
    Rows x = hidden_;
    for (auto& row : x) rms_norm(row, layer.attention_norm, config_.rms_epsilon);
    Rows q = make_rows(n_, config_.q_size());
    Rows k = make_rows(n_, config_.kv_size());
    Rows v = make_rows(n_, config_.kv_size());
    multiply(layer.q, x, q, everyone_, pool_);
    multiply(layer.k, x, k, everyone_, pool_);
    multiply(layer.v, x, v, everyone_, pool_);
    for (std::size_t t = 0; t < n_; ++t) {
      // One norm over the whole row, all heads together.
      rms_norm(q[t], layer.q_norm, config_.rms_epsilon);
      rms_norm(k[t], layer.k_norm, config_.rms_epsilon);
      rope(q[t], config_, static_cast<int>(t));
      rope(k[t], config_, static_cast<int>(t));
    }
    Rows attended = make_rows(n_, config_.q_size());
    pool_.parallel_for(static_cast<int>(n_) * config_.n_heads, [&](int index, int) {
      const auto t = static_cast<std::size_t>(index / config_.n_heads);
      attend_head(config_, q, k, v, t, index % config_.n_heads, attended[t]);
    });
    Rows projected = make_rows(n_, config_.hidden_size);
    multiply(layer.attention_output, attended, projected, everyone_, pool_);
    for (std::size_t t = 0; t < n_; ++t) {
      for (std::size_t i = 0; i < hidden_[t].size(); ++i) hidden_[t][i] += projected[t][i];
    }
  }

  void add_experts(int index, const LayerWeights& layer) {
    Rows y = hidden_;
    for (auto& row : y) rms_norm(row, layer.expert_norm, config_.rms_epsilon);
    Rows logits = make_rows(n_, config_.n_experts);
    const auto router_row_bytes = static_cast<std::size_t>(config_.hidden_size) * sizeof(float);
    multiply({kernels::WeightFormat::kF32, config_.n_experts, config_.hidden_size, router_row_bytes,
              reinterpret_cast<const std::byte*>(layer.router)},
             y, logits, everyone_, pool_);
    std::vector<Choice> choices;
    for (std::size_t t = 0; t < n_; ++t) {
      const int token = static_cast<int>(t);
      const bool force = hooks_.forced != nullptr && token < hooks_.forced->n_tokens &&
                         hooks_.forced->has(index, token);
      choices.push_back(choose(config_, layer.router_bias, logits[t],
                               force ? hooks_.forced->at(index, token) : nullptr));
      if (hooks_.recorded != nullptr) {
        std::copy_n(choices.back().experts.begin(), config_.n_experts_used,
                    hooks_.recorded->at(index, token));
      }
    }
    for (int e = 0; e < config_.n_experts; ++e) add_expert(e, layer, y, choices);
  }

  // hidden[t] += share * W2 (silu(W1 y) * (W3 y)) for the tokens that chose expert e.
  void add_expert(int e, const LayerWeights& layer, const Rows& y,
                  const std::vector<Choice>& choices) {
    std::vector<int> tokens;
    std::vector<double> shares;
    for (std::size_t t = 0; t < n_; ++t) {
      const auto& experts = choices[t].experts;
      const auto found = std::find(experts.begin(), experts.end(), e);
      if (found == experts.end()) continue;
      tokens.push_back(static_cast<int>(t));
      shares.push_back(choices[t].shares[static_cast<std::size_t>(found - experts.begin())]);
    }
    if (tokens.empty()) return;
    Rows gate = make_rows(n_, config_.expert_size);
    Rows up = make_rows(n_, config_.expert_size);
    Rows down = make_rows(n_, config_.hidden_size);
    multiply(layer.gate.expert(e), y, gate, tokens, pool_);
    multiply(layer.up.expert(e), y, up, tokens, pool_);
    for (const int t : tokens) {
      auto& row = gate[static_cast<std::size_t>(t)];
      for (std::size_t i = 0; i < row.size(); ++i) {
        const double g = row[i];
        row[i] = static_cast<float>(g / (1.0 + std::exp(-g)) *
                                    static_cast<double>(up[static_cast<std::size_t>(t)][i]));
      }
    }
    multiply(layer.down.expert(e), gate, down, tokens, pool_);
    for (std::size_t j = 0; j < tokens.size(); ++j) {
      const auto t = static_cast<std::size_t>(tokens[j]);
      for (std::size_t i = 0; i < hidden_[t].size(); ++i) {
        hidden_[t][i] += static_cast<float>(shares[j] * static_cast<double>(down[t][i]));
      }
    }
  }

  const M2Weights& weights_;
  const ModelConfig& config_;
  ThreadPool& pool_;
  const ReferenceHooks& hooks_;
  std::size_t n_;
  std::vector<int> everyone_;
  Rows hidden_;  // [n_tokens][hidden_size]
};

}  // namespace

std::vector<float> reference_forward(const M2Weights& weights, std::span<const std::int32_t> ids,
                                     ThreadPool& pool, const ReferenceHooks& hooks) {
  return Reference(weights, ids, pool, hooks).run();
}

}  // namespace jevons
