#include "convert/quantize.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "base/thread_pool.h"
#include "convert/block_quantizer.h"
#include "convert/gguf_writer.h"
#include "convert/weight_source.h"

namespace jevons {
namespace {

using kernels::WeightFormat;

constexpr std::size_t kBatchBytes = std::size_t{16} << 20;
constexpr std::int64_t kRowsPerTask = 8;
constexpr float kMaxHalf = 65504.0f;  // the largest f16: what a block's scale can be at most

struct Job {
  M2Tensor tensor;
  SourceTensor source;
};

/// Whether all values of a row can be stored in `format`.
bool is_storable(WeightFormat format, const std::vector<float>& row) {
  const bool is_wide = format == WeightFormat::kF32 || format == WeightFormat::kBF16;
  const float limit = is_wide ? std::numeric_limits<float>::max() : kMaxHalf;
  return std::all_of(row.begin(), row.end(), [limit](float x) { return std::fabs(x) <= limit; });
}

/// Reads, quantises and writes tensors, a batch of rows at a time.
class Converter {
 public:
  Converter(const QuantizeOptions& options, GgufWriter& writer)
      : options_(options),
        writer_(writer),
        pool_(options.n_threads > 0 ? options.n_threads : available_cpus()),
        rows_(static_cast<std::size_t>(pool_.n_threads())) {
    for (std::size_t i = 0; i < writer.n_tensors(); ++i) {
      progress_.bytes_total += writer.tensor_bytes(i);
    }
    progress_.n_tensors = writer.n_tensors();
  }

  Result<void> convert(const Job& job) {
    const M2Tensor& tensor = job.tensor;
    const std::size_t row_bytes = kernels::row_bytes(tensor.format, tensor.n_columns());
    const std::int64_t n_rows = tensor.n_rows();
    const auto batch = static_cast<std::int64_t>(std::max<std::size_t>(1, kBatchBytes / row_bytes));
    progress_.tensor = tensor.name;
    for (std::int64_t first = 0; first < n_rows; first += batch) {
      const std::int64_t n = std::min(batch, n_rows - first);
      JEVONS_TRY(convert_rows(job, first, n, row_bytes));
      JEVONS_TRY(writer_.write(std::span(buffer_).first(static_cast<std::size_t>(n) * row_bytes)));
      progress_.bytes_done += static_cast<std::size_t>(n) * row_bytes;
      if (options_.progress) options_.progress(progress_);
    }
    ++progress_.n_tensors_done;
    return {};
  }

 private:
  /// Rows [first, first + n) of the tensor to the start of the buffer.
  Result<void> convert_rows(const Job& job, std::int64_t first, std::int64_t n,
                            std::size_t row_bytes) {
    const M2Tensor& tensor = job.tensor;
    buffer_.resize(std::max(buffer_.size(), static_cast<std::size_t>(n) * row_bytes));
    std::atomic<std::int64_t> bad_row{-1};
    const auto n_tasks = static_cast<int>((n + kRowsPerTask - 1) / kRowsPerTask);
    pool_.parallel_for(n_tasks, [&](int task, int thread) {
      std::vector<float>& row = rows_[static_cast<std::size_t>(thread)];
      row.resize(static_cast<std::size_t>(tensor.n_columns()));
      const std::int64_t begin = std::int64_t{task} * kRowsPerTask;
      for (std::int64_t i = begin; i < std::min(begin + kRowsPerTask, n); ++i) {
        job.source.read_row(first + i, row.data());
        if (!is_storable(tensor.format, row)) {
          bad_row.store(first + i);
          return;
        }
        quantize_row(tensor.format, row.data(), tensor.n_columns(),
                     buffer_.data() + static_cast<std::size_t>(i) * row_bytes);
      }
    });
    if (bad_row.load() < 0) return {};
    return fail("tensor '{}' has a value in row {} that is no number or too large for {}",
                tensor.name, bad_row.load(), kernels::facts(tensor.format).name);
  }

  const QuantizeOptions& options_;
  GgufWriter& writer_;
  ThreadPool pool_;
  std::vector<std::byte> buffer_;
  std::vector<std::vector<float>> rows_;  // one for each thread
  QuantizeProgress progress_{};
};

/// Finds every tensor of the new file in the source before anything is written.
Result<std::vector<Job>> plan_jobs(const WeightSource& source, WeightFormat type) {
  const ModelConfig& config = source.config();
  JEVONS_ASSIGN(std::vector<M2Tensor> tensors,
                plan_m2_tensors(config, quantize_formats(type, config), source.fused_gate_up()));
  std::vector<Job> jobs;
  for (M2Tensor& tensor : tensors) {
    if (tensor.group == TensorGroup::kHead && !source.has_head()) continue;
    JEVONS_ASSIGN(SourceTensor found, source.find(tensor));
    jobs.push_back({std::move(tensor), std::move(found)});
  }
  return jobs;
}

}  // namespace

Result<void> check_output(const std::string& input, const std::string& output) {
  std::error_code ignored;
  if (std::filesystem::is_directory(output, ignored)) {
    return fail("{} is a folder; the output must be a file", output);
  }
  if (std::filesystem::equivalent(input, output, ignored)) {
    return fail("{}: input and output are the same file", output);
  }
  return {};
}

M2Formats quantize_formats(WeightFormat type, const ModelConfig& config) {
  M2Formats formats{type, type, type, type, type, {}};
  if (type != WeightFormat::kQ4_K) return formats;
  formats.embedding = WeightFormat::kQ6_K;
  formats.head = WeightFormat::kQ6_K;
  formats.overrides.push_back({"attn_v.weight", WeightFormat::kQ6_K});
  const auto fits = [](int n_columns) { return n_columns % kernels::kSuperBlock == 0; };
  if (!fits(config.hidden_size)) {
    formats.embedding = formats.head = formats.attention = WeightFormat::kQ8_0;
    formats.expert_gate_up = WeightFormat::kQ8_0;
    formats.overrides.clear();
  }
  formats.overrides.push_back(
      {"attn_output.weight", fits(config.q_size()) ? WeightFormat::kQ4_K : WeightFormat::kQ8_0});
  if (!fits(config.expert_size)) formats.expert_down = WeightFormat::kQ8_0;
  return formats;
}

Result<QuantizeReport> quantize_model(const std::string& input, const std::string& output,
                                      const QuantizeOptions& options) {
  if (!can_quantize_to(options.type) || options.type == WeightFormat::kQ6_K) {
    return fail("cannot quantise to {}; the types are q4_k, q8_0, bf16, f16 and f32",
                kernels::facts(options.type).name);
  }
  JEVONS_TRY(check_output(input, output));
  JEVONS_TRY(check_alignment(options.alignment));
  JEVONS_ASSIGN(const auto source, WeightSource::open(input));
  JEVONS_ASSIGN(const std::vector<Job> jobs, plan_jobs(*source, options.type));
  GgufWriter writer;
  JEVONS_TRY(source->set_metadata(writer, file_type_of(options.type)));
  writer.set_alignment(options.alignment);
  QuantizeReport report;
  for (const Job& job : jobs) {
    writer.add_tensor(job.tensor.name, static_cast<std::uint32_t>(job.tensor.format),
                      job.tensor.shape);
    report.n_parameters += static_cast<std::uint64_t>(job.tensor.n_rows() * job.tensor.n_columns());
  }
  JEVONS_TRY(writer.begin(output));
  Converter converter(options, writer);
  for (const Job& job : jobs) JEVONS_TRY(converter.convert(job));
  JEVONS_TRY(writer.commit());
  std::error_code ignored;
  report.n_tensors = jobs.size();
  report.file_bytes = std::filesystem::file_size(output, ignored);
  report.bits_per_weight =
      8.0 * static_cast<double>(report.file_bytes) / static_cast<double>(report.n_parameters);
  return report;
}

}  // namespace jevons
