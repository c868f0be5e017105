// The table of arithmetic for one instruction set. Everything here works on raw pointers for the
// calling thread alone: no allocation, no failure, no shared state. Any thread may call.
//
// One arithmetic (docs/DECISIONS.md): for given inputs, a matmul or attention result is the same
// bit for bit in every KernelSet, for one token or many, wherever the rows are split over threads.
// The scalar set is the definition. Only BF16 weights are held to a tolerance between sets.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/block_formats.h"
#include "kernels/isa.h"

namespace jevons::kernels {

/// y[t][r] = sum over k of W[r][k] * x[t][k]
struct MatmulArguments {
  const std::byte* weights;  // row 0 of n_rows rows, each row_bytes long
  std::size_t row_bytes;
  int n_rows;
  int n_columns;              // a multiple of the format's block
  const std::byte* const* x;  // n_tokens pointers to activations in the set's format for W
  float* const* y;            // n_tokens pointers to [n_rows]
  int n_tokens;
};
using MatmulFunction = void (*)(const MatmulArguments&);

/// x: [n_columns] floats to the activation format at `out` (64-byte aligned).
using EncodeFunction = void (*)(const float* x, int n_columns, std::byte* out);

enum class KvFormat : std::uint8_t { kF16, kQ8_0 };

inline constexpr int kKeysPerPage = 64;

/// Attention of some query heads that share one KV head, over the keys of whole pages, as a
/// softmax still to be merged. `maximum` and `sum` are per query head.
struct AttentionPageArguments {
  const std::byte* encoded_queries;  // made by encode_queries
  int n_queries;                     // query heads that share this KV head (6 in M2.5)
  const std::byte* keys;             // one page of one KV head: [kKeysPerPage] keys
  const std::byte* values;           // likewise
  int n_keys;                        // 1..kKeysPerPage: keys to see, from the page's start
  int head_dim;                      // a multiple of 32, at most 256
  float* maximum;                    // [n_queries], in and out; -inf at the start
  float* sum;                        // [n_queries], in and out; 0 at the start
  float* output;                     // [n_queries][head_dim], in and out; 0 at the start
  // The keys that the next call will want, or null: read ahead while this page is computed.
  const std::byte* next_keys = nullptr;
};

struct KernelSet {
  Isa isa;
  const char* name;

  ActivationFormat activation_format(WeightFormat format) const;
  MatmulFunction matmul(WeightFormat format) const;
  EncodeFunction encode(ActivationFormat format) const;

  // -- filled by the set; indexed by the enum's value ------------------------------------------
  MatmulFunction matmuls[32];
  ActivationFormat activation_formats[32];
  EncodeFunction encoders[4];

  /// out[i] = x[i] * rsqrt(mean(x^2) + epsilon) * weight[i]; out may be x.
  void (*rms_norm)(const float* x, const float* weight, float* out, int n, float epsilon);
  /// Rotates dims 0..rotary_dim-1 of each head in place, pairs (i, i + rotary_dim / 2).
  /// cosines, sines: [rotary_dim / 2] for this position.
  void (*rope)(float* heads, int n_heads, int head_dim, int rotary_dim, const float* cosines,
               const float* sines);
  /// out[i] = silu(gate[i]) * up[i]; out may be gate.
  void (*silu_multiply)(const float* gate, const float* up, float* out, int n);
  /// y[i] += scale * x[i]
  void (*add_scaled)(float* y, const float* x, float scale, int n);
  /// out[i] = 1 / (1 + e^-x[i]); out may be x.
  void (*sigmoids)(const float* x, float* out, int n);

  /// Bytes of one key or value of head_dim elements in `format`, and of encoded queries.
  std::size_t (*kv_row_bytes)(KvFormat format, int head_dim);
  std::size_t (*query_bytes)(KvFormat format, int n_queries, int head_dim);
  /// Writes key (or value) `slot` (0..63) of a page of one KV head. x: [head_dim].
  void (*store_key)(KvFormat format, const float* x, int head_dim, int slot, std::byte* page);
  void (*store_value)(KvFormat format, const float* x, int head_dim, int slot, std::byte* page);
  /// queries: [n_queries][head_dim]; multiplies by 1/sqrt(head_dim) and encodes.
  void (*encode_queries)(KvFormat format, const float* queries, int n_queries, int head_dim,
                         std::byte* out);
  /// Merges one page into the running softmax; pages are merged in the order of their position.
  void (*attend_page)(KvFormat format, const AttentionPageArguments& arguments);
};

/// The set for `isa`; ends the program if this CPU cannot run it (ask cpu_supports first).
[[nodiscard]] const KernelSet& kernel_set(Isa isa);
/// The best set this CPU can run.
[[nodiscard]] const KernelSet& best_kernel_set();

}  // namespace jevons::kernels
