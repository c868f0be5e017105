// Matrix times activations on all threads. The rows of all jobs of a step are cut into tiles that
// the threads take one by one; a row's result does not depend on the cut.
//
// Thread: the owner of the pool. Nothing here allocates after construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/thread_pool.h"
#include "kernels/kernel_set.h"
#include "weights/m2_weights.h"

namespace jevons {

struct MatmulJob {
  Matrix matrix;
  const std::byte* const* x;  // [n_tokens] activations in the kernel's format for the matrix
  float* const* y;            // [n_tokens] rows of [matrix.n_rows]
  int n_tokens;
};

/// The router as a matrix of F32 rows.
[[nodiscard]] Matrix router_matrix(const LayerWeights& layer, const ModelConfig& config);

class Linear {
 public:
  /// `max_tokens` of one job, `max_jobs` of one run.
  Linear(const kernels::KernelSet& set, ThreadPool& pool, int max_tokens, int max_jobs);

  /// All jobs, side by side; their outputs do not overlap.
  void run(std::span<const MatmulJob> jobs);

 private:
  struct Tiling {
    int rows_per_tile;
    int first_tile;
  };
  void plan(std::span<const MatmulJob> jobs);
  void run_tile(const MatmulJob& job, const Tiling& tiling, int tile, int thread);

  const kernels::KernelSet& set_;
  ThreadPool& pool_;
  int max_tokens_;
  int n_tiles_ = 0;
  std::vector<Tiling> tilings_;                 // one for each job of the run
  std::vector<std::vector<float*>> tile_rows_;  // [thread][max_tokens]
};

/// Rows of activations, kept in each format that some matrix of the step wants.
class EncodedRows {
 public:
  EncodedRows(const kernels::KernelSet& set, int max_rows, int n_columns);

  /// Forgets what was encoded; formats are added with want() and filled by encode_row().
  void clear() { wanted_ = 0; }
  void want(kernels::WeightFormat weights);
  /// Encodes row `row` from x [n_columns] in every wanted format. Different rows, any thread.
  void encode_row(int row, const float* x) const;
  /// Row `row` as a matrix of `weights` format wants it.
  [[nodiscard]] const std::byte* row(kernels::WeightFormat weights, int row) const;

 private:
  const kernels::KernelSet& set_;
  int max_rows_;
  int n_columns_;
  unsigned wanted_ = 0;  // bit for each ActivationFormat
  struct Storage {
    std::size_t stride_bytes = 0;
    AlignedBuffer bytes;
  };
  Storage storage_[4];  // by ActivationFormat; allocated when first wanted
};

}  // namespace jevons
