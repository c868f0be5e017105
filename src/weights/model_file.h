// A model as its user holds it: one GGUF file, or the shards it was split into. Owns the mappings;
// everything handed out points into them. Immutable once open; any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "weights/file_place.h"
#include "weights/gguf_file.h"

namespace jevons {

class ModelFile {
 public:
  /// Maps and parses `path`. If it is one shard of several (split.count), finds the others beside
  /// it by their names, NAME-00002-of-00003.gguf. Errors name the missing shards, or the count, or
  /// whatever is wrong inside a file.
  [[nodiscard]] static Result<ModelFile> open(const std::string& path);

  /// One file that is already in memory; `bytes` must outlive the object.
  [[nodiscard]] static Result<ModelFile> from_bytes(std::span<const std::byte> bytes,
                                                    const std::string& name);

  ModelFile(ModelFile&&) noexcept = default;
  ModelFile& operator=(ModelFile&&) noexcept = default;

  /// The path that was opened.
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Of all shards, in their order.
  [[nodiscard]] std::vector<std::string> paths() const;
  /// The first shard, which carries the metadata of the model.
  [[nodiscard]] const GgufFile& metadata() const { return shards_.front(); }
  [[nodiscard]] const std::vector<GgufFile>& shards() const { return shards_; }
  /// Of all shards, in their order.
  [[nodiscard]] const std::vector<const GgufTensor*>& tensors() const { return tensors_; }
  /// nullptr if absent.
  [[nodiscard]] const GgufTensor* find_tensor(std::string_view name) const;
  /// Where on disk a byte of some tensor lies.
  [[nodiscard]] FilePlace place_of(const std::byte* data) const;
  /// Size of all shards together.
  [[nodiscard]] std::uint64_t n_bytes() const;

 private:
  ModelFile() = default;
  [[nodiscard]] Result<void> open_shards(std::uint32_t count);
  [[nodiscard]] Result<void> index_tensors();

  std::string path_;
  std::vector<MappedFile> mappings_;
  std::vector<GgufFile> shards_;
  std::vector<const GgufTensor*> tensors_;
  std::unordered_map<std::string_view, const GgufTensor*> tensor_index_;
};

/// Path of shard `number` (1 to `count`) of the model that `path` is a shard of; empty if `path` is
/// not named like a shard of `count`.
[[nodiscard]] std::string shard_path(const std::string& path, std::uint32_t number,
                                     std::uint32_t count);

}  // namespace jevons
