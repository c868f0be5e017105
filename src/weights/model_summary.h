// What a model file holds, counted from its tensors: the facts behind `jevons inspect`. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "weights/m2_tensor_names.h"
#include "weights/model_config.h"
#include "weights/model_file.h"

namespace jevons {

struct ModelSummary {
  struct TypeCount {
    std::string type;  // "Q4_K"
    int n_tensors;
    std::uint64_t n_bytes;
  };
  struct Group {
    TensorGroup group;
    std::vector<TypeCount> types;  // most bytes first
    int n_tensors = 0;
    std::uint64_t n_parameters = 0;
    std::uint64_t n_bytes = 0;
  };
  struct NamedTensor {
    std::string name, type;
  };

  std::string architecture;  // "unknown" if the file does not say
  std::string name;          // general.name
  std::uint32_t gguf_version = 0;
  std::size_t n_shards = 0;
  std::uint64_t file_bytes = 0;  // all shards
  int n_tensors = 0;
  std::vector<Group> groups;  // in the order of TensorGroup, those that have tensors

  std::uint64_t n_parameters = 0;
  // What one token reads: everything but the experts that are not chosen, and one row of the
  // embedding. Zero if the file is no M2 model.
  std::uint64_t n_active_parameters = 0;
  std::uint64_t bytes_per_token = 0;
  // Keys and values of one token in all layers. q8_0: 34 bytes for 32 elements.
  std::uint64_t kv_bytes_per_token_f16 = 0;
  std::uint64_t kv_bytes_per_token_q8_0 = 0;

  std::optional<ModelConfig> config;     // if the metadata is an M2 model's
  std::vector<NamedTensor> unsupported;  // of a type without kernels, that the network needs
  std::vector<NamedTensor> extra;        // that the network does not read
  std::string problem;                   // why the model cannot run; empty if it can
};

/// Never fails: what is wrong with the model stands in `problem`.
[[nodiscard]] ModelSummary summarize(const ModelFile& file);

}  // namespace jevons
