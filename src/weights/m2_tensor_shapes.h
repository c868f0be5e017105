// Every tensor of an M2 model as a GGUF file has it: name, place and shape, from the network's
// dimensions alone. The one place for them: synth, the quantiser and the plan of a model that is
// not here all ask it. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "weights/m2_tensor_names.h"
#include "weights/model_config.h"

namespace jevons {

struct M2TensorShape {
  std::string name;
  TensorGroup group;
  int layer;                        // -1 outside the layers
  std::vector<std::int64_t> shape;  // fastest dimension first

  [[nodiscard]] std::int64_t n_elements() const {
    std::int64_t n = 1;
    for (const std::int64_t extent : shape) n *= extent;
    return n;
  }
};

/// In the order of the file. `fused`: gate and up of the experts in one tensor.
[[nodiscard]] std::vector<M2TensorShape> m2_tensor_shapes(const ModelConfig& config,
                                                          bool fused = false);

/// The dimensions of MiniMax-M2, M2.1, M2.5 and M2.7 (config.json of MiniMaxAI/MiniMax-M2).
[[nodiscard]] ModelConfig m25_config();

}  // namespace jevons
