#include "weights/m2_tensor_shapes.h"

#include <fmt/format.h>

#include <utility>

namespace jevons {

std::vector<M2TensorShape> m2_tensor_shapes(const ModelConfig& c, bool fused) {
  std::vector<M2TensorShape> tensors;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape) {
    const TensorRole role = tensor_role(name);
    tensors.push_back({name, role.group, role.layer, std::move(shape)});
  };
  add("token_embd.weight", {c.hidden_size, c.vocab_size});
  add("output_norm.weight", {c.hidden_size});
  add("output.weight", {c.hidden_size, c.vocab_size});
  for (int i = 0; i < c.n_layers; ++i) {
    const std::string at = fmt::format("blk.{}.", i);
    add(at + "attn_norm.weight", {c.hidden_size});
    add(at + "attn_q.weight", {c.hidden_size, c.q_size()});
    add(at + "attn_k.weight", {c.hidden_size, c.kv_size()});
    add(at + "attn_v.weight", {c.hidden_size, c.kv_size()});
    add(at + "attn_q_norm.weight", {c.q_size()});
    add(at + "attn_k_norm.weight", {c.kv_size()});
    add(at + "attn_output.weight", {c.q_size(), c.hidden_size});
    add(at + "ffn_norm.weight", {c.hidden_size});
    add(at + "ffn_gate_inp.weight", {c.hidden_size, c.n_experts});
    add(at + "exp_probs_b.bias", {c.n_experts});
    if (fused) {
      add(at + "ffn_gate_up_exps.weight", {c.hidden_size, 2 * c.expert_size, c.n_experts});
    } else {
      add(at + "ffn_gate_exps.weight", {c.hidden_size, c.expert_size, c.n_experts});
    }
    add(at + "ffn_down_exps.weight", {c.expert_size, c.hidden_size, c.n_experts});
    if (!fused) add(at + "ffn_up_exps.weight", {c.hidden_size, c.expert_size, c.n_experts});
  }
  return tensors;
}

ModelConfig m25_config() {
  return {.name = "Synthetic M2",
          .n_layers = 62,
          .hidden_size = 3072,
          .n_heads = 48,
          .n_kv_heads = 8,
          .head_dim = 128,
          .rotary_dim = 64,
          .n_experts = 256,
          .n_experts_used = 8,
          .expert_size = 1536,
          .vocab_size = 200064,
          .context_length = 196608,
          .rms_epsilon = 1e-6f,
          .rope_theta = 5e6f};
}

}  // namespace jevons
