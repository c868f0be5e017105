// `jevons quantize`: a checkpoint's folder or a GGUF file to a GGUF file of another type. Memory is
// bounded by a batch of rows, whatever the model's size. Any thread may call; it makes a thread
// pool of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "convert/gguf_writer.h"
#include "convert/m2_gguf.h"
#include "kernels/block_formats.h"

namespace jevons {

struct QuantizeProgress {
  std::string_view tensor;  // being written
  std::size_t n_tensors_done, n_tensors;
  std::uint64_t bytes_done, bytes_total;  // of the new file's tensors
};

struct QuantizeOptions {
  /// F32, F16, BF16, Q8_0 or Q4_K.
  kernels::WeightFormat type = kernels::WeightFormat::kQ8_0;
  std::uint64_t alignment = GgufWriter::kDefaultAlignment;  // of tensors; see check_alignment()
  int n_threads = 0;                                        // 0: all CPUs
  std::function<void(const QuantizeProgress&)> progress;    // from the calling thread
};

struct QuantizeReport {
  std::size_t n_tensors = 0;
  std::uint64_t n_parameters = 0;
  std::uint64_t file_bytes = 0;
  double bits_per_weight = 0;
};

/// Writes `output` in one piece when all is done; an existing file stays until then. Everything is
/// found and checked before the first byte is written. Errors name the tensor and both values.
[[nodiscard]] Result<QuantizeReport> quantize_model(const std::string& input,
                                                    const std::string& output,
                                                    const QuantizeOptions& options);

/// Refuses an output that is a folder or the input itself.
[[nodiscard]] Result<void> check_output(const std::string& input, const std::string& output);

/// The formats of a file of `type`. Norms, router and its bias stay F32 in all of them. In a Q4_K
/// file the embedding, the head and the attention's value projections get Q6_K, which costs a
/// hundredth of the size of M2.5; and matrices whose rows are no multiple of 256 get Q8_0.
[[nodiscard]] M2Formats quantize_formats(kernels::WeightFormat type, const ModelConfig& config);

}  // namespace jevons
