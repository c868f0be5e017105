// The shape of an M2 network out of GGUF metadata, every number checked against what the network
// and its kernels can do. Any thread may call.
#pragma once

#include "base/result.h"
#include "weights/gguf_file.h"
#include "weights/model_config.h"

namespace jevons {

/// The architecture string of M2, M2.1, M2.5 and M2.7 files.
inline constexpr const char* kM2Architecture = "minimax-m2";

/// Reads everything but vocab_size (the embedding's height says that). Errors name the key, its
/// value and what it must be; another architecture is refused by name.
[[nodiscard]] Result<ModelConfig> read_m2_config(const GgufFile& file);

/// The limits of the network and its kernels, whichever file the numbers came from. `name` is for
/// messages. vocab_size is checked if it is not 0.
[[nodiscard]] Result<void> check_config(const ModelConfig& config, const std::string& name);

}  // namespace jevons
