#include "model/linear.h"

#include <algorithm>

#include "base/check.h"

namespace jevons {
namespace {

// A tile is large enough that taking it costs nothing, small enough that the last one to finish
// does not keep the others waiting; whole groups of rows, because kernels work on several at once.
constexpr int kRowGroup = 16;
constexpr std::size_t kSmallestTileBytes = std::size_t{32} << 10;
constexpr std::size_t kLargestTileBytes = std::size_t{512} << 10;
constexpr std::size_t kTilesPerThread = 8;

}  // namespace

Matrix router_matrix(const LayerWeights& layer, const ModelConfig& config) {
  return {kernels::WeightFormat::kF32, config.n_experts, config.hidden_size,
          static_cast<std::size_t>(config.hidden_size) * sizeof(float),
          reinterpret_cast<const std::byte*>(layer.router)};
}

Linear::Linear(const kernels::KernelSet& set, ThreadPool& pool, int max_tokens, int max_jobs)
    : set_(set), pool_(pool), max_tokens_(max_tokens) {
  tilings_.reserve(static_cast<std::size_t>(max_jobs));
  tile_rows_.resize(static_cast<std::size_t>(pool.n_threads()));
  for (auto& rows : tile_rows_) rows.resize(static_cast<std::size_t>(max_tokens));
}

void Linear::plan(std::span<const MatmulJob> jobs) {
  JEVONS_CHECK(jobs.size() <= tilings_.capacity());
  std::size_t total_bytes = 0;
  for (const MatmulJob& job : jobs) {
    total_bytes += job.matrix.row_bytes * static_cast<std::size_t>(job.matrix.n_rows);
  }
  const std::size_t n_threads = static_cast<std::size_t>(pool_.n_threads());
  const std::size_t tile_bytes = std::clamp(total_bytes / (n_threads * kTilesPerThread),
                                            kSmallestTileBytes, kLargestTileBytes);
  tilings_.clear();
  n_tiles_ = 0;
  for (const MatmulJob& job : jobs) {
    const auto rows = static_cast<int>(tile_bytes / job.matrix.row_bytes);
    const int rows_per_tile = std::max(kRowGroup, rows / kRowGroup * kRowGroup);
    tilings_.push_back({rows_per_tile, n_tiles_});
    const auto n_rows = static_cast<int>(job.matrix.n_rows);
    n_tiles_ += (n_rows + rows_per_tile - 1) / rows_per_tile;
  }
}

void Linear::run_tile(const MatmulJob& job, const Tiling& tiling, int tile, int thread) {
  const int first_row = tile * tiling.rows_per_tile;
  const int n_rows =
      std::min(tiling.rows_per_tile, static_cast<int>(job.matrix.n_rows) - first_row);
  float** y = tile_rows_[static_cast<std::size_t>(thread)].data();
  for (int t = 0; t < job.n_tokens; ++t) y[t] = job.y[t] + first_row;
  set_.matmul(job.matrix.format)(
      {job.matrix.data + job.matrix.row_bytes * static_cast<std::size_t>(first_row),
       job.matrix.row_bytes, n_rows, static_cast<int>(job.matrix.n_columns), job.x, y,
       job.n_tokens});
}

void Linear::run(std::span<const MatmulJob> jobs) {
  plan(jobs);
  pool_.parallel_for(n_tiles_, [&](int index, int thread) {
    const auto next =
        std::upper_bound(tilings_.begin(), tilings_.end(), index,
                         [](int tile, const Tiling& tiling) { return tile < tiling.first_tile; });
    const auto j = static_cast<std::size_t>(next - tilings_.begin() - 1);
    JEVONS_CHECK(jobs[j].n_tokens <= max_tokens_);
    run_tile(jobs[j], tilings_[j], index - tilings_[j].first_tile, thread);
  });
}

EncodedRows::EncodedRows(const kernels::KernelSet& set, int max_rows, int n_columns)
    : set_(set), max_rows_(max_rows), n_columns_(n_columns) {}

void EncodedRows::want(kernels::WeightFormat weights) {
  const kernels::ActivationFormat format = set_.activation_format(weights);
  wanted_ |= 1U << static_cast<unsigned>(format);
  Storage& storage = storage_[static_cast<std::size_t>(format)];
  if (storage.stride_bytes != 0) return;
  storage.stride_bytes = (kernels::activation_bytes(format, n_columns_) + 63) / 64 * 64;
  storage.bytes = AlignedBuffer(storage.stride_bytes * static_cast<std::size_t>(max_rows_));
}

void EncodedRows::encode_row(int row, const float* x) const {
  for (unsigned f = 0; f < 4; ++f) {
    if ((wanted_ >> f & 1U) == 0) continue;
    const Storage& storage = storage_[f];
    set_.encode(static_cast<kernels::ActivationFormat>(f))(
        x, n_columns_, storage.bytes.data() + storage.stride_bytes * static_cast<std::size_t>(row));
  }
}

const std::byte* EncodedRows::row(kernels::WeightFormat weights, int row) const {
  const auto f = static_cast<std::size_t>(set_.activation_format(weights));
  JEVONS_CHECK((wanted_ >> f & 1U) != 0 && row < max_rows_);
  return storage_[f].bytes.data() + storage_[f].stride_bytes * static_cast<std::size_t>(row);
}

}  // namespace jevons
