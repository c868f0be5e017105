#include "convert/checkpoint_source.h"

#include <filesystem>
#include <utility>

#include "convert/checkpoint_vocabulary.h"
#include "weights/checkpoint.h"
#include "weights/gguf_value.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

struct NamePair {
  std::string_view gguf;      // behind "blk.N."
  std::string_view official;  // behind "model.layers.N."
};
constexpr NamePair kLayerNames[] = {
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_gate_inp.weight", "block_sparse_moe.gate.weight"},
    {"exp_probs_b.bias", "block_sparse_moe.e_score_correction_bias"},
};

/// w1, w2 or w3, the checkpoint's names of gate, down and up; nullptr for other groups.
const char* expert_matrix_name(TensorGroup group) {
  if (group == TensorGroup::kExpertGate) return "w1";
  if (group == TensorGroup::kExpertDown) return "w2";
  if (group == TensorGroup::kExpertUp) return "w3";
  return nullptr;
}

class CheckpointSource : public WeightSource {
 public:
  explicit CheckpointSource(Checkpoint checkpoint) : checkpoint_(std::move(checkpoint)) {
    config_ = checkpoint_.config();
    config_.name =
        std::filesystem::path(checkpoint_.folder()).lexically_normal().filename().string();
    if (config_.name.empty()) {  // "folder/" ends in an empty name
      config_.name = std::filesystem::path(checkpoint_.folder())
                         .lexically_normal()
                         .parent_path()
                         .filename()
                         .string();
    }
  }

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] bool fused_gate_up() const override { return false; }
  [[nodiscard]] bool has_head() const override {
    return !checkpoint_.tied_head() || checkpoint_.find("lm_head.weight") != nullptr;
  }

  [[nodiscard]] Result<SourceTensor> find(const M2Tensor& tensor) const override {
    SourceTensor source;
    const bool per_expert = expert_matrix_name(tensor.group) != nullptr;
    const std::int64_t n_parts = per_expert ? tensor.shape[2] : 1;
    source.rows_per_part = tensor.n_rows() / n_parts;
    for (std::int64_t e = 0; e < n_parts; ++e) {
      const std::string name = checkpoint_name(tensor, static_cast<int>(e));
      JEVONS_ASSIGN(
          const SourceMatrix matrix,
          find_matrix(name, tensor.shape.size() == 1, source.rows_per_part, tensor.n_columns()));
      source.parts.push_back(matrix);
    }
    return source;
  }

  [[nodiscard]] Result<void> set_metadata(GgufWriter& writer,
                                          std::uint32_t file_type) const override {
    JEVONS_ASSIGN(const Vocabulary vocabulary,
                  read_checkpoint_vocabulary(checkpoint_.folder(), config_.vocab_size));
    set_m2_metadata(writer, config_, file_type);
    set_vocabulary_metadata(writer, vocabulary);
    return {};
  }

 private:
  Result<SourceMatrix> find_matrix(const std::string& name, bool is_vector, std::int64_t n_rows,
                                   std::int64_t n_columns) const {
    const SafetensorsTensor* tensor = checkpoint_.find(name);
    if (tensor == nullptr) return fail("{}: tensor '{}' is missing", checkpoint_.folder(), name);
    const std::vector<std::int64_t> shape =
        is_vector ? std::vector{n_columns} : std::vector{n_rows, n_columns};
    JEVONS_TRY(check_shape(*tensor, shape));
    SourceMatrix matrix{.type = SourceMatrix::Type::kGguf,
                        .format = WeightFormat::kF32,
                        .data = tensor->data,
                        .row_bytes = 0,
                        .n_columns = n_columns,
                        .scales = nullptr,
                        .n_scale_columns = 0};
    if (tensor->type == "F8_E4M3") {
      matrix.type = SourceMatrix::Type::kFp8;
      matrix.row_bytes = static_cast<std::size_t>(n_columns);
      JEVONS_TRY(find_scales(name, n_rows, n_columns, matrix));
      return matrix;
    }
    if (tensor->type == "F16") {
      matrix.format = WeightFormat::kF16;
    } else if (tensor->type == "BF16") {
      matrix.format = WeightFormat::kBF16;
    } else if (tensor->type != "F32") {
      return fail("{}: tensor '{}' is of type {}, must be F32, F16, BF16 or F8_E4M3",
                  checkpoint_.folder(), name, printable(tensor->type));
    }
    matrix.row_bytes = kernels::row_bytes(matrix.format, n_columns);
    return matrix;
  }

  Result<void> find_scales(const std::string& name, std::int64_t n_rows, std::int64_t n_columns,
                           SourceMatrix& matrix) const {
    const std::string scale_name = name + "_scale_inv";
    const SafetensorsTensor* scales = checkpoint_.find(scale_name);
    if (scales == nullptr) {
      return fail("{}: tensor '{}' is missing, '{}' is F8_E4M3 and needs it", checkpoint_.folder(),
                  scale_name, name);
    }
    matrix.n_scale_columns = (n_columns + 127) / 128;
    JEVONS_TRY(check_shape(*scales, {(n_rows + 127) / 128, matrix.n_scale_columns}));
    if (scales->type != "F32") {
      return fail("{}: tensor '{}' is of type {}, must be F32", checkpoint_.folder(), scale_name,
                  printable(scales->type));
    }
    matrix.scales = scales->data;
    return {};
  }

  Result<void> check_shape(const SafetensorsTensor& tensor,
                           const std::vector<std::int64_t>& shape) const {
    if (tensor.shape == shape) return {};
    const SafetensorsTensor expected{"", "", shape, nullptr, 0};
    return fail("{}: tensor '{}' has shape {}, must have {}", checkpoint_.folder(),
                printable(tensor.name), tensor.shape_text(), expected.shape_text());
  }

  Checkpoint checkpoint_;
  ModelConfig config_;
};

}  // namespace

std::string checkpoint_name(const M2Tensor& tensor, int expert) {
  if (tensor.name == "token_embd.weight") return "model.embed_tokens.weight";
  if (tensor.name == "output_norm.weight") return "model.norm.weight";
  if (tensor.name == "output.weight") return "lm_head.weight";
  if (const char* matrix = expert_matrix_name(tensor.group)) {
    return fmt::format("model.layers.{}.block_sparse_moe.experts.{}.{}.weight", tensor.layer,
                       expert, matrix);
  }
  for (const NamePair& pair : kLayerNames) {
    if (tensor.name.ends_with(fmt::format(".{}", pair.gguf))) {
      return fmt::format("model.layers.{}.{}", tensor.layer, pair.official);
    }
  }
  return "";
}

Result<std::unique_ptr<WeightSource>> open_checkpoint_source(const std::string& folder) {
  JEVONS_ASSIGN(Checkpoint checkpoint, Checkpoint::open(folder));
  return std::unique_ptr<WeightSource>(new CheckpointSource(std::move(checkpoint)));
}

}  // namespace jevons
