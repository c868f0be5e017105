// A model as a plan sees it: how many weights of which type each stage reads, from the header of a
// file, from a config.json, or computed from the network's shape. No weight is read. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "meter/quantisation_mix.h"
#include "weights/m2_tensor_names.h"
#include "weights/model_config.h"

namespace jevons {

class ModelFile;

/// All tensors of one group that have one type.
struct WeightPart {
  TensorGroup group;
  std::uint32_t type_id;
  std::uint64_t n_elements;
  std::uint64_t n_bytes;
};

struct PlannedModel {
  std::string name;    // "MiniMax-M2.5"
  std::string mix;     // "Q4_K_M"; of a file what most of its experts are
  std::string source;  // where the sizes come from
  std::string path;    // of a file that is here; else empty
  ModelConfig config;
  std::vector<WeightPart> parts;
  std::uint64_t file_bytes = 0;  // of a computed model without the header, some 10 MB
  std::string problem;           // why it cannot run as it is; empty if it can

  /// Of all experts of all layers.
  [[nodiscard]] std::uint64_t expert_bytes() const;
  /// What every token reads and the embedding: all but the experts.
  [[nodiscard]] std::uint64_t dense_bytes() const;
  /// What stays in memory where experts are read from disk: that, without the embedding unless it
  /// is the head too.
  [[nodiscard]] std::uint64_t pinned_bytes() const;
  [[nodiscard]] std::uint64_t n_parameters() const;
  /// Parameters and bytes that one token reads: everything but the experts that are not chosen, and
  /// one row of the embedding.
  [[nodiscard]] std::uint64_t n_active_parameters() const;
  [[nodiscard]] std::uint64_t bytes_per_token() const;
  [[nodiscard]] double bits_per_weight() const;
  /// Keys and values of one token in all layers, "q8_0" or "f16", as src/model/kv_cache.h has them.
  [[nodiscard]] std::uint64_t kv_bytes_per_token(std::string_view kv_type) const;
};

/// A model of this shape in this mix; its size is that of its tensors.
[[nodiscard]] Result<PlannedModel> compute_model(const std::string& name, const ModelConfig& config,
                                                 const QuantisationMix& mix);

/// The header of a GGUF file, of a split one all parts. Errors: not an M2 model.
[[nodiscard]] Result<PlannedModel> read_planned_model(const ModelFile& file);

}  // namespace jevons
