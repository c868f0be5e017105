// Builds GGUF bytes by hand, right or wrong, with nothing in common with the writer in convert/.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jevons::test {

class Bytes {
 public:
  template <typename T>
  Bytes& number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Bytes& string(std::string_view text) {
    number<std::uint64_t>(text.size());
    text_ += text;
    return *this;
  }
  Bytes& raw(std::string_view bytes) {
    text_ += bytes;
    return *this;
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

inline std::span<const std::byte> as_span(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct RawTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t type_id = 0;
  std::uint64_t offset = 0;
};

/// A file in parts; each may be replaced by a lie before build().
struct RawFile {
  std::uint32_t version = 3;
  std::vector<std::string> entries;  // each: key, type, value
  std::vector<RawTensor> tensors;
  std::string data;
  std::uint64_t alignment = 32;  // of the data that build() pads to
  std::uint64_t n_tensors_lie = UINT64_MAX;
  std::uint64_t n_entries_lie = UINT64_MAX;

  RawFile& u32(std::string_view key, std::uint32_t value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(4).number(value).text());
    return *this;
  }
  RawFile& u16(std::string_view key, std::uint16_t value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(2).number(value).text());
    return *this;
  }
  RawFile& i32(std::string_view key, std::int32_t value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(5).number(value).text());
    return *this;
  }
  RawFile& f32(std::string_view key, float value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(6).number(value).text());
    return *this;
  }
  RawFile& boolean(std::string_view key, std::uint8_t value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(7).number(value).text());
    return *this;
  }
  RawFile& string(std::string_view key, std::string_view value) {
    entries.push_back(Bytes().string(key).number<std::uint32_t>(8).string(value).text());
    return *this;
  }
  RawFile& strings(std::string_view key, const std::vector<std::string>& values) {
    Bytes bytes;
    bytes.string(key).number<std::uint32_t>(9).number<std::uint32_t>(8);
    bytes.number<std::uint64_t>(values.size());
    for (const std::string& value : values) bytes.string(value);
    entries.push_back(bytes.text());
    return *this;
  }
  RawFile& i32s(std::string_view key, const std::vector<std::int32_t>& values) {
    Bytes bytes;
    bytes.string(key).number<std::uint32_t>(9).number<std::uint32_t>(5);
    bytes.number<std::uint64_t>(values.size());
    for (const std::int32_t value : values) bytes.number(value);
    entries.push_back(bytes.text());
    return *this;
  }
  /// An F32 tensor behind all others, with its data: zeros.
  RawFile& zeros(std::string_view name, std::vector<std::uint64_t> shape) {
    std::uint64_t n = 1;
    for (const std::uint64_t dimension : shape) n *= dimension;
    tensors.push_back({std::string(name), std::move(shape), 0, data.size()});
    data.append((n * 4 + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }

  [[nodiscard]] std::string build() const {
    Bytes bytes;
    bytes.raw("GGUF").number(version);
    bytes.number(n_tensors_lie != UINT64_MAX ? n_tensors_lie : std::uint64_t{tensors.size()});
    bytes.number(n_entries_lie != UINT64_MAX ? n_entries_lie : std::uint64_t{entries.size()});
    for (const std::string& entry : entries) bytes.raw(entry);
    for (const RawTensor& tensor : tensors) {
      bytes.string(tensor.name).number(static_cast<std::uint32_t>(tensor.shape.size()));
      for (const std::uint64_t dimension : tensor.shape) bytes.number(dimension);
      bytes.number(tensor.type_id).number(tensor.offset);
    }
    std::string file = bytes.text();
    if (!tensors.empty()) file.resize((file.size() + alignment - 1) / alignment * alignment, '\0');
    return file + data;
  }
};

}  // namespace jevons::test
