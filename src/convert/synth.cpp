#include "convert/synth.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "convert/gguf_writer.h"
#include "convert/random_numbers.h"
#include "convert/random_rows.h"
#include "convert/synth_vocabulary.h"
#include "weights/m2_config.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

constexpr std::size_t kBatchBytes = std::size_t{32} << 20;

/// Norm weights and the router's bias: F32 vectors around 1 and around 0.
void fill_vector(const M2Tensor& tensor, RandomNumbers& random, std::byte* out) {
  const bool is_norm = tensor.group == TensorGroup::kNorms;
  for (std::int64_t i = 0; i < tensor.n_columns(); ++i) {
    const float value = is_norm ? 1.0f + 0.1f * random.normal() : 0.05f * random.normal();
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof value, &value, sizeof value);
  }
}

float deviation_of(const M2Tensor& tensor) {
  if (tensor.group == TensorGroup::kEmbedding) return 1.0f;
  return 1.0f / std::sqrt(static_cast<float>(tensor.n_columns()));
}

void fill_row(const M2Tensor& tensor, std::uint64_t seed, std::int64_t row, std::byte* out) {
  RandomNumbers random(seed, tensor.name, static_cast<std::uint64_t>(row));
  if (tensor.shape.size() == 1) return fill_vector(tensor, random, out);
  fill_random_row(tensor.format, deviation_of(tensor), random, tensor.n_columns(), out);
}

/// Declares metadata and tensors of the model that `options` describe.
Result<std::vector<M2Tensor>> declare(const SynthOptions& options, GgufWriter& writer) {
  JEVONS_TRY(check_config(options.config, "synth"));
  JEVONS_TRY(check_alignment(options.alignment));
  JEVONS_ASSIGN(auto tensors,
                plan_m2_tensors(options.config, options.formats, options.fused_gate_up));
  JEVONS_ASSIGN(
      const Vocabulary vocabulary,
      make_synth_vocabulary(options.config.vocab_size, options.seed, options.chat_template));
  set_m2_metadata(writer, options.config, file_type_of(options.formats.expert_gate_up));
  set_vocabulary_metadata(writer, vocabulary);
  writer.set_alignment(options.alignment);
  for (const M2Tensor& tensor : tensors) {
    writer.add_tensor(tensor.name, static_cast<std::uint32_t>(tensor.format), tensor.shape);
  }
  return tensors;
}

std::uint64_t total_bytes(const GgufWriter& writer) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < writer.n_tensors(); ++i) total += writer.tensor_bytes(i);
  return total;
}

/// Makes rows in batches by all threads and writes each batch as one piece.
class RowMaker {
 public:
  RowMaker(const SynthOptions& options, GgufWriter& writer)
      : options_(options),
        writer_(writer),
        pool_(options.n_threads > 0 ? options.n_threads : available_cpus()),
        n_total_(total_bytes(writer)) {}

  Result<void> write_tensor(const M2Tensor& tensor) {
    const std::size_t row_bytes = kernels::row_bytes(tensor.format, tensor.n_columns());
    const std::int64_t n_rows = tensor.n_rows();
    const auto batch = static_cast<std::int64_t>(std::max<std::size_t>(1, kBatchBytes / row_bytes));
    for (std::int64_t first = 0; first < n_rows; first += batch) {
      const std::int64_t n = std::min(batch, n_rows - first);
      buffer_.resize(static_cast<std::size_t>(n) * row_bytes);
      pool_.parallel_for(
          static_cast<int>((n + kRowsPerTask - 1) / kRowsPerTask), [&](int task, int) {
            const std::int64_t begin = std::int64_t{task} * kRowsPerTask;
            for (std::int64_t row = begin; row < std::min(begin + kRowsPerTask, n); ++row) {
              fill_row(tensor, options_.seed, first + row,
                       buffer_.data() + static_cast<std::size_t>(row) * row_bytes);
            }
          });
      JEVONS_TRY(writer_.write(buffer_));
      report(buffer_.size());
    }
    return {};
  }

  void report(std::uint64_t n_bytes) {
    n_done_ += n_bytes;
    if (options_.progress) options_.progress(n_done_, n_total_);
  }

 private:
  static constexpr std::int64_t kRowsPerTask = 16;
  const SynthOptions& options_;
  GgufWriter& writer_;
  ThreadPool pool_;
  std::vector<std::byte> buffer_;
  std::uint64_t n_done_ = 0;
  std::uint64_t n_total_;
};

}  // namespace

M2Formats q4_k_m_formats() {
  return {.embedding = WeightFormat::kQ4_K,
          .attention = WeightFormat::kQ4_K,
          .expert_gate_up = WeightFormat::kQ4_K,
          .expert_down = WeightFormat::kQ4_K,
          .head = WeightFormat::kQ6_K,
          .overrides = {{"attn_v", WeightFormat::kQ6_K}}};
}

Result<void> write_synth_model(const std::string& path, const SynthOptions& options) {
  GgufWriter writer;
  JEVONS_ASSIGN(const auto tensors, declare(options, writer));
  JEVONS_TRY(writer.begin(path));
  RowMaker maker(options, writer);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (options.sparse) {
      JEVONS_TRY(writer.skip(writer.tensor_bytes(i)));
      maker.report(writer.tensor_bytes(i));
    } else {
      JEVONS_TRY(maker.write_tensor(tensors[i]));
    }
  }
  return writer.commit();
}

Result<std::string> make_synth_model(const SynthOptions& options) {
  GgufWriter writer;
  JEVONS_ASSIGN(const auto tensors, declare(options, writer));
  std::string file = writer.header();
  for (const M2Tensor& tensor : tensors) {
    const std::size_t row_bytes = kernels::row_bytes(tensor.format, tensor.n_columns());
    for (std::int64_t row = 0; row < tensor.n_rows(); ++row) {
      const std::size_t start = file.size();
      file.resize(start + row_bytes);
      fill_row(tensor, options.seed, row, reinterpret_cast<std::byte*>(file.data() + start));
    }
    file.resize(writer.padded(file.size()));
  }
  return file;
}

}  // namespace jevons
