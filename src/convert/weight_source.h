// Where a conversion takes its weights from: a published checkpoint or a GGUF file, either as rows
// of floats under the names of the GGUF file to be written. Immutable once open; any thread may
// read rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/vocabulary.h"
#include "convert/gguf_writer.h"
#include "convert/m2_gguf.h"
#include "weights/model_config.h"

namespace jevons {

/// One matrix (or vector: one row) of the source.
struct SourceMatrix {
  enum class Type : std::uint8_t { kGguf, kFp8 };
  Type type;
  kernels::WeightFormat format;  // of kGguf: also of the plain float types of a checkpoint
  const std::byte* data;         // [n_rows][row_bytes]
  std::size_t row_bytes;
  std::int64_t n_columns;
  // FP8 only: one F32 factor (not its inverse, whatever the name says) for each 128 x 128 block.
  const std::byte* scales;  // [ceil(n_rows / 128)][n_scale_columns]
  std::int64_t n_scale_columns;

  /// Row `row` as floats. out: [n_columns]
  void read_row(std::int64_t row, float* out) const;
};

/// What a tensor of the new file is made of: one matrix, or one for each expert, in their order.
struct SourceTensor {
  std::vector<SourceMatrix> parts;
  std::int64_t rows_per_part;

  /// Row `row` of all parts put together.
  void read_row(std::int64_t row, float* out) const {
    parts[static_cast<std::size_t>(row / rows_per_part)].read_row(row % rows_per_part, out);
  }
};

class WeightSource {
 public:
  /// A folder is a checkpoint; anything else must be a GGUF file with F32, F16, BF16 or Q8_0
  /// matrices (any shard of it). Errors name what is wrong.
  [[nodiscard]] static Result<std::unique_ptr<WeightSource>> open(const std::string& path);

  virtual ~WeightSource() = default;

  [[nodiscard]] virtual const ModelConfig& config() const = 0;
  /// Gate and up of the experts lie in one tensor, and stay so.
  [[nodiscard]] virtual bool fused_gate_up() const = 0;
  /// Whether there is a head besides the embedding.
  [[nodiscard]] virtual bool has_head() const = 0;
  /// Finds the tensor and checks its shape and type; errors name it and both values.
  [[nodiscard]] virtual Result<SourceTensor> find(const M2Tensor& tensor) const = 0;
  /// Everything about the model that is not a weight.
  [[nodiscard]] virtual Result<void> set_metadata(GgufWriter& writer,
                                                  std::uint32_t file_type) const = 0;
};

}  // namespace jevons
