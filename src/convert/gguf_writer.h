// Writes a GGUF file (version 3): metadata and tensors are declared first, then the data of each
// tensor follows in the order of declaration, in pieces of any size, so that memory stays bounded.
// The file appears under its name only when it is whole. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.h"
#include "base/result.h"
#include "weights/gguf_value.h"

namespace jevons {

template <typename T>
struct GgufTypeOf;  // the GGUF type that a C++ type is written as
template <GgufType kType>
struct GgufTypeIs {
  static constexpr GgufType value = kType;
};
// clang-format off
template <> struct GgufTypeOf<std::uint8_t> : GgufTypeIs<GgufType::kUint8> {};
template <> struct GgufTypeOf<std::int8_t> : GgufTypeIs<GgufType::kInt8> {};
template <> struct GgufTypeOf<std::uint16_t> : GgufTypeIs<GgufType::kUint16> {};
template <> struct GgufTypeOf<std::int16_t> : GgufTypeIs<GgufType::kInt16> {};
template <> struct GgufTypeOf<std::uint32_t> : GgufTypeIs<GgufType::kUint32> {};
template <> struct GgufTypeOf<std::int32_t> : GgufTypeIs<GgufType::kInt32> {};
template <> struct GgufTypeOf<std::uint64_t> : GgufTypeIs<GgufType::kUint64> {};
template <> struct GgufTypeOf<std::int64_t> : GgufTypeIs<GgufType::kInt64> {};
template <> struct GgufTypeOf<float> : GgufTypeIs<GgufType::kFloat32> {};
template <> struct GgufTypeOf<double> : GgufTypeIs<GgufType::kFloat64> {};
template <> struct GgufTypeOf<bool> : GgufTypeIs<GgufType::kBool> {};
// clang-format on

/// Refuses what no file may be aligned to: anything but a power of two from 32 to 1 MiB.
[[nodiscard]] Result<void> check_alignment(std::uint64_t alignment);

class GgufWriter {
 public:
  static constexpr std::uint64_t kDefaultAlignment = 32;

  // -- before begin() ----------------------------------------------------------------------------
  /// Every tensor begins at a multiple of it, in the file as in memory. A checked one; comes before
  /// the first tensor.
  void set_alignment(std::uint64_t alignment);
  /// `n_bytes`, rounded up to the alignment.
  [[nodiscard]] std::uint64_t padded(std::uint64_t n_bytes) const;

  template <typename T>
  void set(std::string_view key, T value) {
    begin_entry(key, GgufTypeOf<T>::value);
    append(value);
  }
  template <typename T>
  void set_array(std::string_view key, std::span<const T> values) {
    begin_array(key, GgufTypeOf<T>::value, values.size());
    for (const T& value : values) append(value);
  }
  void set_string(std::string_view key, std::string_view text);
  void set_strings(std::string_view key, std::span<const std::string> texts);
  /// A value of any type, as another file has it.
  void set_copy(std::string_view key, const GgufValue& value);

  /// `shape` in the file's order, fastest dimension first. `type_id` must be a known one and fit.
  void add_tensor(const std::string& name, std::uint32_t type_id, std::vector<std::int64_t> shape);
  [[nodiscard]] std::size_t n_tensors() const { return tensors_.size(); }
  /// Of tensor `index`, in the order of declaration.
  [[nodiscard]] std::uint64_t tensor_bytes(std::size_t index) const;

  // -- from begin() on ---------------------------------------------------------------------------
  /// Opens the file and writes everything but the data.
  [[nodiscard]] Result<void> begin(const std::string& path);
  /// More data of the tensor that is next; the padding between tensors is added here.
  [[nodiscard]] Result<void> write(std::span<const std::byte> bytes);
  /// Like write() with that many zeros, but as a hole that takes no disk.
  [[nodiscard]] Result<void> skip(std::uint64_t n_bytes);
  /// Flushes to disk and gives the file its name. Every tensor must be complete.
  [[nodiscard]] Result<void> commit();

  /// The file's head as bytes, without data: for tests and fuzzers that need a file in memory.
  [[nodiscard]] std::string header() const;

 private:
  struct Tensor {
    std::string name;
    std::uint32_t type_id;
    std::vector<std::int64_t> shape;
    std::uint64_t n_bytes;
    std::uint64_t offset;
  };

  template <typename T>
  void append(const T& value) {
    metadata_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void append_string(std::string_view text);
  void begin_entry(std::string_view key, GgufType type);
  void begin_array(std::string_view key, GgufType type, std::size_t n);
  [[nodiscard]] Result<void> advance(std::uint64_t n_bytes);

  std::string metadata_;
  std::uint64_t n_entries_ = 0;
  std::uint64_t alignment_ = kDefaultAlignment;
  std::vector<Tensor> tensors_;
  std::uint64_t next_offset_ = 0;
  std::optional<AtomicFile> file_;
  std::size_t current_ = 0;   // tensor whose data comes next
  std::uint64_t n_done_ = 0;  // bytes of it that are written
};

}  // namespace jevons
