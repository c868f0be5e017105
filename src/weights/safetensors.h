// One safetensors file, its JSON header parsed and every offset checked. Layout: the format's
// README (eight bytes of header length, JSON, data). Views into the bytes, which must outlive the
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

namespace jevons {

struct SafetensorsTensor {
  std::string name;
  std::string type;                 // "BF16", "F8_E4M3", ... as the file spells it
  std::vector<std::int64_t> shape;  // slowest dimension first; empty for a scalar
  const std::byte* data;            // [n_bytes], row after row, any alignment
  std::uint64_t n_bytes;

  /// "[6144, 3072]"
  [[nodiscard]] std::string shape_text() const;
};

class SafetensorsFile {
 public:
  /// `name` is for messages. Errors name the file, the tensor, and both values.
  [[nodiscard]] static Result<SafetensorsFile> parse(std::span<const std::byte> bytes,
                                                     std::string name);

  [[nodiscard]] const std::string& name() const { return name_; }
  /// In the order of their names.
  [[nodiscard]] const std::vector<SafetensorsTensor>& tensors() const { return tensors_; }
  /// nullptr if absent.
  [[nodiscard]] const SafetensorsTensor* find(std::string_view name) const;

 private:
  SafetensorsFile() = default;
  [[nodiscard]] Result<void> refuse_overlaps(const std::byte* data) const;

  std::string name_;
  std::vector<SafetensorsTensor> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
};

/// Bytes of one element of a safetensors type; 0 for a type that does not exist.
[[nodiscard]] std::uint64_t safetensors_type_bytes(std::string_view type);

}  // namespace jevons
