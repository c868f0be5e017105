// The tensors of an M2 network, found, checked and typed. Views into the mapped file: nothing is
// copied, and the ModelFile must outlive them. Immutable; any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernels/block_formats.h"
#include "weights/file_place.h"
#include "weights/model_config.h"

namespace jevons {

class EmbeddingFile;
class ModelFile;

/// A matrix with its rows along the outputs: y[n_rows] = W x[n_columns].
struct Matrix {
  kernels::WeightFormat format;
  std::int64_t n_rows;
  std::int64_t n_columns;
  std::size_t row_bytes;
  const std::byte* data;  // [n_rows][row_bytes]
};

/// One projection of all experts of a layer.
struct ExpertMatrices {
  kernels::WeightFormat format;
  int n_experts;
  std::int64_t n_rows;
  std::int64_t n_columns;
  std::size_t row_bytes;
  std::size_t expert_stride_bytes;  // from one expert to the next; wider in a fused tensor
  const std::byte* data;
  FilePlace place;  // of the first expert

  [[nodiscard]] std::size_t expert_bytes() const {
    return row_bytes * static_cast<std::size_t>(n_rows);
  }

  [[nodiscard]] Matrix expert(int e) const {
    return {format, n_rows, n_columns, row_bytes,
            data + expert_stride_bytes * static_cast<std::size_t>(e)};
  }
};

struct LayerWeights {
  const float* attention_norm;  // [hidden_size]
  Matrix q;                     // [q_size, hidden_size]
  Matrix k;                     // [kv_size, hidden_size]
  Matrix v;                     // [kv_size, hidden_size]
  const float* q_norm;          // [q_size]: one norm over all heads
  const float* k_norm;          // [kv_size]
  Matrix attention_output;      // [hidden_size, q_size]
  const float* expert_norm;     // [hidden_size]
  const float* router;          // [n_experts][hidden_size], always F32
  const float* router_bias;     // [n_experts], added for the selection only
  ExpertMatrices gate;          // w1 [n_experts][expert_size, hidden_size]
  ExpertMatrices up;            // w3 [n_experts][expert_size, hidden_size]
  ExpertMatrices down;          // w2 [n_experts][hidden_size, expert_size]
};

struct M2Weights {
  ModelConfig config;
  Matrix token_embedding;                         // [vocab_size, hidden_size]
  const EmbeddingFile* embedding_file = nullptr;  // if set, has the table's rows; not owned
  const float* output_norm;                       // [hidden_size]
  Matrix output;                                  // [vocab_size, hidden_size]
  std::vector<LayerWeights> layers;

  /// The file has one table for both.
  [[nodiscard]] bool head_is_embedding() const { return output.data == token_embedding.data; }

  /// Finds and checks every tensor. Errors name the tensor, what it is and what it must be; a
  /// format that cannot be computed with is refused with the tensors that have it.
  [[nodiscard]] static Result<M2Weights> bind(const ModelFile& file);
};

}  // namespace jevons
