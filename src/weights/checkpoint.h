// A model folder as the hub publishes it: config.json and safetensors, one file or shards with an
// index. Owns the mappings; tensors point into them. Immutable once open; any thread may read.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "weights/model_config.h"
#include "weights/safetensors.h"

namespace jevons {

class Checkpoint {
 public:
  /// Opens config.json and model.safetensors, or what model.safetensors.index.json lists. Errors
  /// name the file, the key or tensor, what it is and what it must be.
  [[nodiscard]] static Result<Checkpoint> open(const std::string& folder);

  Checkpoint(Checkpoint&&) noexcept = default;
  Checkpoint& operator=(Checkpoint&&) noexcept = default;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] const ModelConfig& config() const { return config_; }
  [[nodiscard]] bool tied_head() const { return tied_head_; }
  /// nullptr if absent.
  [[nodiscard]] const SafetensorsTensor* find(std::string_view name) const;

 private:
  Checkpoint() = default;
  [[nodiscard]] Result<void> open_file(const std::string& file_name);
  [[nodiscard]] Result<void> open_shards(const std::string& index_path);

  std::string folder_;
  ModelConfig config_;
  bool tied_head_ = false;
  std::vector<MappedFile> mappings_;
  std::vector<SafetensorsFile> files_;
  std::unordered_map<std::string, std::size_t> file_of_;  // tensor name -> index in files_
};

/// config.json of an M2 model. `file_name` is for messages; the flag says whether the head is tied.
struct CheckpointConfig {
  ModelConfig model;
  bool tied_head;
};
[[nodiscard]] Result<CheckpointConfig> parse_checkpoint_config(std::string_view json,
                                                               const std::string& file_name);

}  // namespace jevons
