// How an M2 model is written as a GGUF file: its metadata keys, and the formats of its tensors
// (weights/m2_tensor_shapes.h has their names and shapes). Used by the quantiser and by synth. Any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/vocabulary.h"
#include "convert/gguf_writer.h"
#include "kernels/block_formats.h"
#include "weights/m2_tensor_names.h"
#include "weights/model_config.h"

namespace jevons {

/// Which format each group of matrices gets. Norms, router and its bias are always F32.
struct M2Formats {
  kernels::WeightFormat embedding = kernels::WeightFormat::kQ8_0;
  kernels::WeightFormat attention = kernels::WeightFormat::kQ8_0;
  kernels::WeightFormat expert_gate_up = kernels::WeightFormat::kQ8_0;
  kernels::WeightFormat expert_down = kernels::WeightFormat::kQ8_0;
  kernels::WeightFormat head = kernels::WeightFormat::kQ8_0;

  /// Matrices whose name contains `name_part` get `format` instead; the last match counts.
  struct Override {
    std::string name_part;
    kernels::WeightFormat format;
  };
  std::vector<Override> overrides;
};

struct M2Tensor {
  std::string name;
  TensorGroup group;
  int layer;                        // -1 outside the layers
  std::vector<std::int64_t> shape;  // fastest dimension first
  kernels::WeightFormat format;

  [[nodiscard]] std::int64_t n_columns() const { return shape[0]; }
  /// All rows, over all experts.
  [[nodiscard]] std::int64_t n_rows() const;
};

/// Every tensor of the file in its order. `fused`: gate and up of the experts in one tensor.
/// An error names a matrix whose rows do not divide into its format's blocks.
[[nodiscard]] Result<std::vector<M2Tensor>> plan_m2_tensors(const ModelConfig& config,
                                                            const M2Formats& formats,
                                                            bool fused = false);

/// general.* and minimax-m2.*. `file_type` is llama.cpp's number for the mix, see file_type_of().
void set_m2_metadata(GgufWriter& writer, const ModelConfig& config, std::uint32_t file_type);

/// tokenizer.*, and general.sampling.* where the vocabulary has defaults.
void set_vocabulary_metadata(GgufWriter& writer, const Vocabulary& vocabulary);

/// llama.cpp's general.file_type for a file that is mostly of `format`.
[[nodiscard]] std::uint32_t file_type_of(kernels::WeightFormat format);

}  // namespace jevons
