// One metadata value of a GGUF file, as a view into the file's bytes. Only the parser makes them,
// after it has walked the value once and found every length inside the file, so nothing here can
// fail but a wrong question. The bytes must outlive the value; any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jevons {

/// The ids of the GGUF specification, section "metadata value types".
enum class GgufType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

/// "uint32"; "type 99" for an id that does not exist.
[[nodiscard]] std::string gguf_type_name(std::uint32_t type_id);

/// Bytes of one scalar of `type`; 0 for strings, arrays and ids that do not exist.
[[nodiscard]] std::size_t gguf_scalar_bytes(std::uint32_t type_id);

class GgufValue {
 public:
  GgufValue() = default;
  /// A scalar or a string; `payload` is what follows the type id, for a string without its length.
  GgufValue(GgufType type, std::span<const std::byte> payload) : type_(type), payload_(payload) {}
  /// An array; `payload` starts after the element type and the count.
  GgufValue(GgufType element_type, std::uint64_t n_elements, std::span<const std::byte> payload)
      : type_(GgufType::kArray),
        element_type_(element_type),
        n_elements_(n_elements),
        payload_(payload) {}

  [[nodiscard]] GgufType type() const { return type_; }
  [[nodiscard]] bool is_array() const { return type_ == GgufType::kArray; }
  [[nodiscard]] GgufType element_type() const { return element_type_; }
  [[nodiscard]] std::uint64_t n_elements() const { return n_elements_; }
  /// What kind of value this is, for messages: "uint32", "array of 5 string".
  [[nodiscard]] std::string describe() const;

  /// Any integer type, if the value fits; empty otherwise.
  [[nodiscard]] std::optional<std::uint64_t> as_unsigned() const;
  [[nodiscard]] std::optional<std::int64_t> as_signed() const;
  /// float32 or float64 only.
  [[nodiscard]] std::optional<double> as_float() const;
  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<std::string_view> as_string() const;
  /// The whole of an array of strings, or of integers that fit; empty for any other value.
  [[nodiscard]] std::optional<std::vector<std::string_view>> as_strings() const;
  [[nodiscard]] std::optional<std::vector<std::int64_t>> as_integers() const;
  /// The elements of an array, of any type; none for a value that is not an array.
  [[nodiscard]] std::vector<GgufValue> elements() const;
  /// Appends the value as a file has it after the type id, for copying it into another file.
  void append_encoded(std::string& out) const;

 private:
  GgufType type_ = GgufType::kUint8;
  GgufType element_type_ = GgufType::kUint8;
  std::uint64_t n_elements_ = 0;
  std::span<const std::byte> payload_;
};

/// A name from an untrusted file made fit for a message: valid UTF-8, no control characters, at
/// most 80 bytes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace jevons
