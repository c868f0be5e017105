// One GGUF file (version 2 or 3, little-endian), parsed and checked: every offset, count, size and
// length is proven to lie inside the bytes before it is used, so a hostile file is an error and
// never a wrong read. Layout: the GGUF specification. Views into the bytes, which must outlive the
// object. Immutable once parsed; any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "weights/gguf_value.h"

namespace jevons {

struct GgufEntry {
  std::string_view key;
  GgufValue value;
};

struct GgufTensor {
  std::string name;
  std::uint32_t type_id;            // see weights/tensor_types.h; always a known one
  std::vector<std::int64_t> shape;  // 1 to 4 dimensions in ggml's order: fastest first
  const std::byte* data;            // [n_bytes], aligned to the file's alignment
  std::uint64_t n_bytes;

  [[nodiscard]] std::int64_t n_elements() const;
  /// "[3072, 1536, 256]"
  [[nodiscard]] std::string shape_text() const;
};

class GgufFile {
 public:
  /// `name` is for messages. Errors name the file, the thing, its offset, and what it must be.
  [[nodiscard]] static Result<GgufFile> parse(std::span<const std::byte> bytes, std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint32_t version() const { return version_; }
  [[nodiscard]] std::uint64_t alignment() const { return alignment_; }
  /// Offset of the first byte of tensor data.
  [[nodiscard]] std::uint64_t data_offset() const { return data_offset_; }
  [[nodiscard]] std::uint64_t n_bytes() const { return bytes_.size(); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// In the order of the file.
  [[nodiscard]] const std::vector<GgufEntry>& metadata() const { return metadata_; }
  [[nodiscard]] const std::vector<GgufTensor>& tensors() const { return tensors_; }
  /// nullptr if absent.
  [[nodiscard]] const GgufTensor* find_tensor(std::string_view name) const;
  [[nodiscard]] const GgufValue* find(std::string_view key) const;

  // Typed values. A key that is absent, or has another type, or does not fit, is an error that
  // says so; with a fallback, only an absent key gives the fallback.
  [[nodiscard]] Result<std::uint64_t> get_u64(std::string_view key) const;
  [[nodiscard]] Result<std::uint32_t> get_u32(std::string_view key) const;
  [[nodiscard]] Result<std::uint32_t> get_u32(std::string_view key, std::uint32_t fallback) const;
  [[nodiscard]] Result<float> get_f32(std::string_view key) const;
  [[nodiscard]] Result<float> get_f32(std::string_view key, float fallback) const;
  [[nodiscard]] Result<bool> get_bool(std::string_view key, bool fallback) const;
  [[nodiscard]] Result<std::string_view> get_string(std::string_view key) const;
  [[nodiscard]] Result<std::string_view> get_string(std::string_view key,
                                                    std::string_view fallback) const;

 private:
  friend class GgufParser;
  GgufFile() = default;
  [[nodiscard]] Result<const GgufValue*> require(std::string_view key) const;

  std::string name_;
  std::span<const std::byte> bytes_;
  std::uint32_t version_ = 0;
  std::uint64_t alignment_ = 32;
  std::uint64_t data_offset_ = 0;
  std::vector<GgufEntry> metadata_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string_view, std::size_t> metadata_index_;  // views into bytes_
  std::unordered_map<std::string_view, std::size_t> tensor_index_;
};

}  // namespace jevons
