#include "weights/m2_tensor_names.h"

#include <charconv>

namespace jevons {
namespace {

struct NamedGroup {
  std::string_view name;
  TensorGroup group;
};
constexpr NamedGroup kOutsideLayers[] = {
    {"token_embd.weight", TensorGroup::kEmbedding},
    {"output_norm.weight", TensorGroup::kNorms},
    {"output.weight", TensorGroup::kHead},
};
constexpr NamedGroup kInsideLayers[] = {
    {"attn_norm.weight", TensorGroup::kNorms},
    {"attn_q.weight", TensorGroup::kAttention},
    {"attn_k.weight", TensorGroup::kAttention},
    {"attn_v.weight", TensorGroup::kAttention},
    {"attn_q_norm.weight", TensorGroup::kNorms},
    {"attn_k_norm.weight", TensorGroup::kNorms},
    {"attn_output.weight", TensorGroup::kAttention},
    {"ffn_norm.weight", TensorGroup::kNorms},
    {"ffn_gate_inp.weight", TensorGroup::kRouter},
    {"exp_probs_b.bias", TensorGroup::kRouter},
    {"ffn_gate_exps.weight", TensorGroup::kExpertGate},
    {"ffn_up_exps.weight", TensorGroup::kExpertUp},
    {"ffn_gate_up_exps.weight", TensorGroup::kExpertGateUp},
    {"ffn_up_gate_exps.weight", TensorGroup::kExpertGateUp},
    {"ffn_down_exps.weight", TensorGroup::kExpertDown},
};

}  // namespace

TensorRole tensor_role(std::string_view name) {
  for (const NamedGroup& known : kOutsideLayers) {
    if (known.name == name) return {known.group, -1};
  }
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return {TensorGroup::kOther, -1};
  name.remove_prefix(kPrefix.size());
  int layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  const auto n_digits = static_cast<std::size_t>(end - name.data());
  if (error != std::errc() || layer < 0 || n_digits == name.size() || *end != '.') {
    return {TensorGroup::kOther, -1};
  }
  name.remove_prefix(n_digits + 1);
  for (const NamedGroup& known : kInsideLayers) {
    if (known.name == name) return {known.group, layer};
  }
  return {TensorGroup::kOther, -1};
}

const char* tensor_group_name(TensorGroup group) {
  switch (group) {
    case TensorGroup::kEmbedding:
      return "embedding";
    case TensorGroup::kAttention:
      return "attention";
    case TensorGroup::kRouter:
      return "router";
    case TensorGroup::kNorms:
      return "norms";
    case TensorGroup::kExpertGate:
      return "expert gate";
    case TensorGroup::kExpertUp:
      return "expert up";
    case TensorGroup::kExpertGateUp:
      return "expert gate and up";
    case TensorGroup::kExpertDown:
      return "expert down";
    case TensorGroup::kHead:
      return "head";
    case TensorGroup::kOther:
      return "not used";
  }
  return "?";
}

bool is_expert_group(TensorGroup group) {
  return group == TensorGroup::kExpertGate || group == TensorGroup::kExpertUp ||
         group == TensorGroup::kExpertGateUp || group == TensorGroup::kExpertDown;
}

}  // namespace jevons
