#include "weights/m2_weights.h"

#include "weights/m2_config.h"
#include "weights/m2_tensor_names.h"
#include "weights/model_file.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

/// Finds tensors of one file and checks them against the shapes that the config asks for.
class Binder {
 public:
  Binder(const ModelFile& file, const ModelConfig& config) : file_(file), config_(config) {}

  Result<LayerWeights> layer(int index) const {
    const ModelConfig& c = config_;
    const std::string at = fmt::format("blk.{}.", index);
    LayerWeights layer{};
    JEVONS_ASSIGN(layer.attention_norm, floats(at + "attn_norm.weight", {c.hidden_size}));
    JEVONS_ASSIGN(layer.q, matrix(at + "attn_q.weight", c.q_size(), c.hidden_size));
    JEVONS_ASSIGN(layer.k, matrix(at + "attn_k.weight", c.kv_size(), c.hidden_size));
    JEVONS_ASSIGN(layer.v, matrix(at + "attn_v.weight", c.kv_size(), c.hidden_size));
    JEVONS_ASSIGN(layer.q_norm, floats(at + "attn_q_norm.weight", {c.q_size()}));
    JEVONS_ASSIGN(layer.k_norm, floats(at + "attn_k_norm.weight", {c.kv_size()}));
    JEVONS_ASSIGN(layer.attention_output,
                  matrix(at + "attn_output.weight", c.hidden_size, c.q_size()));
    JEVONS_ASSIGN(layer.expert_norm, floats(at + "ffn_norm.weight", {c.hidden_size}));
    JEVONS_ASSIGN(layer.router, floats(at + "ffn_gate_inp.weight", {c.hidden_size, c.n_experts}));
    JEVONS_ASSIGN(layer.router_bias, floats(at + "exp_probs_b.bias", {c.n_experts}));
    JEVONS_TRY(gate_and_up(at, layer));
    JEVONS_ASSIGN(layer.down, experts(at + "ffn_down_exps.weight", c.hidden_size, c.expert_size));
    return layer;
  }

  Result<Matrix> matrix(const std::string& name, std::int64_t n_rows,
                        std::int64_t n_columns) const {
    JEVONS_ASSIGN(const GgufTensor* tensor, find(name, {n_columns, n_rows}));
    JEVONS_ASSIGN(const WeightFormat format, computable(*tensor));
    return Matrix{format, n_rows, n_columns, kernels::row_bytes(format, n_columns), tensor->data};
  }

  /// A tensor that the network needs in F32, with `shape` in the file's order.
  Result<const float*> floats(const std::string& name,
                              const std::vector<std::int64_t>& shape) const {
    JEVONS_ASSIGN(const GgufTensor* tensor, find(name, shape));
    if (tensor->type_id != static_cast<std::uint32_t>(WeightFormat::kF32)) {
      return fail("{}: tensor '{}' is of type {}, must be F32", file_.path(), name,
                  tensor_type_name(tensor->type_id));
    }
    return reinterpret_cast<const float*>(tensor->data);
  }

 private:
  Result<const GgufTensor*> find(const std::string& name,
                                 const std::vector<std::int64_t>& shape) const {
    const GgufTensor* tensor = file_.find_tensor(name);
    const GgufTensor expected{name, 0, shape, nullptr, 0};
    if (tensor == nullptr) {
      return fail("{}: tensor '{}' of shape {} is missing", file_.path(), name,
                  expected.shape_text());
    }
    // Trailing dimensions of 1 mean nothing: writers differ in whether they keep them.
    std::vector<std::int64_t> actual = tensor->shape;
    while (actual.size() > shape.size() && actual.back() == 1) actual.pop_back();
    while (actual.size() < shape.size()) actual.push_back(1);
    if (actual != shape) {
      return fail("{}: tensor '{}' has shape {}, must have {}", file_.path(), name,
                  tensor->shape_text(), expected.shape_text());
    }
    return tensor;
  }

  Result<WeightFormat> computable(const GgufTensor& tensor) const {
    if (const auto format = weight_format(tensor.type_id)) return *format;
    return fail("{}: tensor '{}' is of type {}, must be one of {}", file_.path(), tensor.name,
                tensor_type_name(tensor.type_id), computable_format_names());
  }

  Result<ExpertMatrices> experts(const std::string& name, std::int64_t n_rows,
                                 std::int64_t n_columns) const {
    JEVONS_ASSIGN(const GgufTensor* tensor, find(name, {n_columns, n_rows, config_.n_experts}));
    JEVONS_ASSIGN(const WeightFormat format, computable(*tensor));
    const std::size_t row_bytes = kernels::row_bytes(format, n_columns);
    return ExpertMatrices{.format = format,
                          .n_experts = config_.n_experts,
                          .n_rows = n_rows,
                          .n_columns = n_columns,
                          .row_bytes = row_bytes,
                          .expert_stride_bytes = row_bytes * static_cast<std::size_t>(n_rows),
                          .data = tensor->data,
                          .place = file_.place_of(tensor->data)};
  }

  Result<void> gate_and_up(const std::string& at, LayerWeights& layer) const {
    const std::int64_t n_rows = config_.expert_size;
    const std::int64_t n_columns = config_.hidden_size;
    for (const char* fused : {"ffn_gate_up_exps.weight", "ffn_up_gate_exps.weight"}) {
      if (file_.find_tensor(at + fused) == nullptr) continue;
      // Each expert's first half is the gate (w1), its second half the up projection (w3), under
      // either name: ik_llama.cpp, ggml.c ggml_compute_forward_mul_mat_id_up_gate (src0_2, the
      // gate, at the expert's start, src0_1, up, at nb02/2) and llama-load-tensors.cpp
      // merge_up_gate_exps (the gate's view at offset 0).
      JEVONS_ASSIGN(layer.gate, experts(at + fused, 2 * n_rows, n_columns));
      layer.gate.n_rows = n_rows;
      layer.up = layer.gate;
      layer.up.data += layer.gate.expert_bytes();
      layer.up.place.offset += layer.gate.expert_bytes();
      return {};
    }
    JEVONS_ASSIGN(layer.gate, experts(at + "ffn_gate_exps.weight", n_rows, n_columns));
    JEVONS_ASSIGN(layer.up, experts(at + "ffn_up_exps.weight", n_rows, n_columns));
    return {};
  }

  const ModelFile& file_;
  const ModelConfig& config_;
};

/// One message for all tensors that no kernel can read, instead of one at a time. Tensors that the
/// network does not use may be of any type.
Result<void> refuse_types_without_kernels(const ModelFile& file) {
  constexpr std::size_t kMaxNamed = 3;
  std::string named;
  std::size_t n_refused = 0;
  for (const GgufTensor* tensor : file.tensors()) {
    if (weight_format(tensor->type_id)) continue;
    if (tensor_role(tensor->name).group == TensorGroup::kOther) continue;
    if (++n_refused > kMaxNamed) continue;
    named += fmt::format("{}{} ({})", named.empty() ? "" : ", ", printable(tensor->name),
                         tensor_type_name(tensor->type_id));
  }
  if (n_refused == 0) return {};
  return fail(
      "{}: {} of {} tensors have a type that cannot be computed with: {}{}. Types that work: {}; "
      "a file named Q4_K_M, Q5_K_M, Q6_K, Q8_0 or IQ4_XS has only these",
      file.path(), n_refused, file.tensors().size(), named, n_refused > kMaxNamed ? ", ..." : "",
      computable_format_names());
}

/// The embedding's height is the size of the vocabulary.
Result<int> vocabulary_size(const ModelFile& file) {
  const GgufTensor* tensor = file.find_tensor("token_embd.weight");
  if (tensor == nullptr) return fail("{}: tensor 'token_embd.weight' is missing", file.path());
  constexpr std::int64_t kMaxVocabulary = 1 << 24;
  const std::int64_t n_tokens = tensor->shape.size() == 2 ? tensor->shape[1] : 0;
  if (n_tokens < 1 || n_tokens > kMaxVocabulary) {
    return fail("{}: tensor 'token_embd.weight' has shape {}, must have [hidden size, 1 to {}]",
                file.path(), tensor->shape_text(), kMaxVocabulary);
  }
  const GgufValue* tokens = file.metadata().find("tokenizer.ggml.tokens");
  if (tokens != nullptr && tokens->n_elements() != static_cast<std::uint64_t>(n_tokens)) {
    return fail("{}: tokenizer.ggml.tokens has {} tokens, but token_embd.weight has {} rows",
                file.path(), tokens->n_elements(), n_tokens);
  }
  return static_cast<int>(n_tokens);
}

}  // namespace

Result<M2Weights> M2Weights::bind(const ModelFile& file) {
  M2Weights weights;
  JEVONS_ASSIGN(weights.config, read_m2_config(file.metadata()));
  JEVONS_TRY(refuse_types_without_kernels(file));
  JEVONS_ASSIGN(weights.config.vocab_size, vocabulary_size(file));
  const ModelConfig& c = weights.config;
  const Binder binder(file, c);
  JEVONS_ASSIGN(weights.token_embedding,
                binder.matrix("token_embd.weight", c.vocab_size, c.hidden_size));
  JEVONS_ASSIGN(weights.output_norm, binder.floats("output_norm.weight", {c.hidden_size}));
  // A file without a head of its own ties it to the embedding.
  const char* head =
      file.find_tensor("output.weight") != nullptr ? "output.weight" : "token_embd.weight";
  JEVONS_ASSIGN(weights.output, binder.matrix(head, c.vocab_size, c.hidden_size));
  for (int i = 0; i < c.n_layers; ++i) {
    JEVONS_ASSIGN(LayerWeights layer, binder.layer(i));
    weights.layers.push_back(layer);
  }
  return weights;
}

}  // namespace jevons
