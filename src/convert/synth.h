// Makes M2 models of any shape out of random numbers, for tests and benchmarks: real file, real
// vocabulary, sane activations and logits, no meaning. Deterministic by seed, whatever the number
// of threads. Any thread may call; it makes a thread pool of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "convert/gguf_writer.h"
#include "convert/m2_gguf.h"
#include "weights/m2_tensor_shapes.h"
#include "weights/model_config.h"

namespace jevons {

/// Formats that llama.cpp's Q4_K_M mix amounts to for an M2 model, near enough for speed tests.
[[nodiscard]] M2Formats q4_k_m_formats();

struct SynthOptions {
  ModelConfig config = m25_config();
  M2Formats formats = q4_k_m_formats();
  bool fused_gate_up = false;  // gate and up of the experts in one tensor
  /// Header and vocabulary real, all weights a hole: full size on paper, nothing on disk, zeros.
  bool sparse = false;
  std::uint64_t alignment = GgufWriter::kDefaultAlignment;  // see check_alignment()
  std::uint64_t seed = 1;
  int n_threads = 0;  // 0: all CPUs
  std::string chat_template;
  /// Bytes written so far and in all; from the calling thread.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

/// Writes the model to `path`. Matrices have variance 1 / columns (the embedding 1), norm weights
/// lie near 1, the router's bias is small. Errors name the dimension or tensor that is impossible.
[[nodiscard]] Result<void> write_synth_model(const std::string& path, const SynthOptions& options);

/// The same as the bytes of a file in memory, for small models.
[[nodiscard]] Result<std::string> make_synth_model(const SynthOptions& options);

}  // namespace jevons
