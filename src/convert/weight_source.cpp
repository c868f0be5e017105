#include "convert/weight_source.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "convert/checkpoint_source.h"
#include "kernels/dequantize.h"
#include "kernels/float_formats.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

constexpr std::int64_t kFp8Block = 128;

/// Rounding what was rounded to fewer bits before costs quality twice.
bool fit_to_requantise(WeightFormat format) {
  return format == WeightFormat::kF32 || format == WeightFormat::kF16 ||
         format == WeightFormat::kBF16 || format == WeightFormat::kQ8_0;
}

class GgufSource : public WeightSource {
 public:
  static Result<std::unique_ptr<WeightSource>> open(const std::string& path) {
    JEVONS_ASSIGN(ModelFile file, ModelFile::open(path));
    JEVONS_ASSIGN(M2Weights weights, M2Weights::bind(file));
    for (const GgufTensor* tensor : file.tensors()) {
      if (tensor_role(tensor->name).group == TensorGroup::kOther) continue;
      const auto format = weight_format(tensor->type_id);
      if (format && fit_to_requantise(*format)) continue;
      return fail("{}: tensor '{}' is of type {}, must be F32, F16, BF16 or Q8_0 to be quantised",
                  path, tensor->name, tensor_type_name(tensor->type_id));
    }
    return std::unique_ptr<WeightSource>(new GgufSource(std::move(file), weights.config));
  }

  [[nodiscard]] const ModelConfig& config() const override { return config_; }
  [[nodiscard]] bool fused_gate_up() const override {
    return file_.find_tensor("blk.0.ffn_gate_exps.weight") == nullptr;
  }
  [[nodiscard]] bool has_head() const override {
    return file_.find_tensor("output.weight") != nullptr;
  }

  [[nodiscard]] Result<SourceTensor> find(const M2Tensor& wanted) const override {
    const GgufTensor* tensor = file_.find_tensor(wanted.name);
    if (tensor == nullptr && wanted.group == TensorGroup::kExpertGateUp) {
      std::string other = wanted.name;  // the other spelling of the fused tensor
      other.replace(other.find("gate_up"), 7, "up_gate");
      tensor = file_.find_tensor(other);
    }
    // The rest is checked by M2Weights::bind, but a file may mix fused and separate layers.
    if (tensor == nullptr) {
      return fail("{}: tensor '{}' is missing", file_.path(), wanted.name);
    }
    const auto format = weight_format(tensor->type_id);
    if (!format || tensor->shape[0] != wanted.n_columns() ||
        tensor->n_elements() != wanted.n_columns() * wanted.n_rows()) {
      return fail("{}: tensor '{}' has shape {}", file_.path(), tensor->name, tensor->shape_text());
    }
    return SourceTensor{{{.type = SourceMatrix::Type::kGguf,
                          .format = *format,
                          .data = tensor->data,
                          .row_bytes = kernels::row_bytes(*format, wanted.n_columns()),
                          .n_columns = wanted.n_columns(),
                          .scales = nullptr,
                          .n_scale_columns = 0}},
                        wanted.n_rows()};
  }

  [[nodiscard]] Result<void> set_metadata(GgufWriter& writer,
                                          std::uint32_t file_type) const override {
    for (const GgufEntry& entry : file_.metadata().metadata()) {
      if (entry.key.starts_with("split.") || entry.key == "general.file_type" ||
          entry.key == "general.quantization_version" || entry.key == "general.alignment") {
        continue;
      }
      writer.set_copy(entry.key, entry.value);
    }
    writer.set("general.file_type", file_type);
    writer.set("general.quantization_version", std::uint32_t{2});
    return {};
  }

 private:
  GgufSource(ModelFile file, ModelConfig config)
      : file_(std::move(file)), config_(std::move(config)) {}

  ModelFile file_;
  ModelConfig config_;
};

}  // namespace

void SourceMatrix::read_row(std::int64_t row, float* out) const {
  const std::byte* bytes = data + static_cast<std::size_t>(row) * row_bytes;
  if (type == Type::kGguf) {
    kernels::dequantize_row(format, bytes, out, static_cast<int>(n_columns));
    return;
  }
  const std::byte* row_scales =
      scales + static_cast<std::size_t>(row / kFp8Block * n_scale_columns) * sizeof(float);
  for (std::int64_t start = 0; start < n_columns; start += kFp8Block) {
    float scale;
    std::memcpy(&scale, row_scales + static_cast<std::size_t>(start / kFp8Block) * sizeof scale,
                sizeof scale);
    for (std::int64_t i = start; i < std::min(start + kFp8Block, n_columns); ++i) {
      out[i] = scale * kernels::fp8_e4m3_to_float(std::to_integer<std::uint8_t>(bytes[i]));
    }
  }
}

Result<std::unique_ptr<WeightSource>> WeightSource::open(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return open_checkpoint_source(path);
  return GgufSource::open(path);
}

}  // namespace jevons
