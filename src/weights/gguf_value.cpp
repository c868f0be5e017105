#include "weights/gguf_value.h"

#include <fmt/format.h>

#include <cstring>
#include <iterator>
#include <limits>

#include "base/check.h"
#include "base/utf8.h"

namespace jevons {
namespace {

struct TypeFacts {
  const char* name;
  std::size_t scalar_bytes;
};
constexpr TypeFacts kTypeFacts[] = {{"uint8", 1},  {"int8", 1},  {"uint16", 2},  {"int16", 2},
                                    {"uint32", 4}, {"int32", 4}, {"float32", 4}, {"bool", 1},
                                    {"string", 0}, {"array", 0}, {"uint64", 8},  {"int64", 8},
                                    {"float64", 8}};

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// An integer of any of the eight types, as its sign and its bits in 64.
struct WideInteger {
  std::uint64_t bits;
  bool negative;
};

std::optional<WideInteger> load_integer(GgufType type, const std::byte* bytes) {
  const auto wide = [](auto value) {
    return WideInteger{static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), value < 0};
  };
  switch (type) {
    case GgufType::kUint8:
      return WideInteger{load<std::uint8_t>(bytes), false};
    case GgufType::kUint16:
      return WideInteger{load<std::uint16_t>(bytes), false};
    case GgufType::kUint32:
      return WideInteger{load<std::uint32_t>(bytes), false};
    case GgufType::kUint64:
      return WideInteger{load<std::uint64_t>(bytes), false};
    case GgufType::kInt8:
      return wide(load<std::int8_t>(bytes));
    case GgufType::kInt16:
      return wide(load<std::int16_t>(bytes));
    case GgufType::kInt32:
      return wide(load<std::int32_t>(bytes));
    case GgufType::kInt64:
      return wide(load<std::int64_t>(bytes));
    default:
      return std::nullopt;
  }
}

std::optional<std::int64_t> to_signed(WideInteger value) {
  if (!value.negative &&
      value.bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value.bits);
}

/// Takes one element off the front of `rest`. The parser has checked every length.
GgufValue take_element(GgufType type, std::span<const std::byte>& rest);

/// Bytes that an array's elements take, found by walking over them.
std::size_t walk_elements(GgufType type, std::uint64_t n, std::span<const std::byte> rest) {
  const std::size_t before = rest.size();
  for (std::uint64_t i = 0; i < n; ++i) take_element(type, rest);
  return before - rest.size();
}

GgufValue take_element(GgufType type, std::span<const std::byte>& rest) {
  const auto take = [&rest](std::size_t n) {
    JEVONS_CHECK(n <= rest.size());
    const auto front = rest.first(n);
    rest = rest.subspan(n);
    return front;
  };
  if (type == GgufType::kString) {
    const auto n = load<std::uint64_t>(take(8).data());
    return {type, take(static_cast<std::size_t>(n))};
  }
  if (type == GgufType::kArray) {
    const auto element_type = static_cast<GgufType>(load<std::uint32_t>(take(4).data()));
    const auto n = load<std::uint64_t>(take(8).data());
    return {element_type, n, take(walk_elements(element_type, n, rest))};
  }
  return {type, take(gguf_scalar_bytes(static_cast<std::uint32_t>(type)))};
}

}  // namespace

std::string gguf_type_name(std::uint32_t type_id) {
  return type_id < std::size(kTypeFacts) ? kTypeFacts[type_id].name
                                         : fmt::format("type {}", type_id);
}

std::size_t gguf_scalar_bytes(std::uint32_t type_id) {
  return type_id < std::size(kTypeFacts) ? kTypeFacts[type_id].scalar_bytes : 0;
}

std::string GgufValue::describe() const {
  if (!is_array()) return gguf_type_name(static_cast<std::uint32_t>(type_));
  return fmt::format("array of {} {}", n_elements_,
                     gguf_type_name(static_cast<std::uint32_t>(element_type_)));
}

std::optional<std::uint64_t> GgufValue::as_unsigned() const {
  const auto value = load_integer(type_, payload_.data());
  if (!value || value->negative) return std::nullopt;
  return value->bits;
}

std::optional<std::int64_t> GgufValue::as_signed() const {
  const auto value = load_integer(type_, payload_.data());
  return value ? to_signed(*value) : std::nullopt;
}

std::optional<double> GgufValue::as_float() const {
  if (type_ == GgufType::kFloat32) return static_cast<double>(load<float>(payload_.data()));
  if (type_ == GgufType::kFloat64) return load<double>(payload_.data());
  return std::nullopt;
}

std::optional<bool> GgufValue::as_bool() const {
  if (type_ != GgufType::kBool) return std::nullopt;
  return payload_[0] != std::byte{0};
}

std::optional<std::string_view> GgufValue::as_string() const {
  if (type_ != GgufType::kString) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(payload_.data()), payload_.size());
}

std::optional<std::vector<std::string_view>> GgufValue::as_strings() const {
  if (!is_array() || element_type_ != GgufType::kString) return std::nullopt;
  std::vector<std::string_view> strings;
  strings.reserve(static_cast<std::size_t>(n_elements_));
  auto rest = payload_;
  for (std::uint64_t i = 0; i < n_elements_; ++i) {
    strings.push_back(*take_element(element_type_, rest).as_string());
  }
  return strings;
}

std::optional<std::vector<std::int64_t>> GgufValue::as_integers() const {
  if (!is_array()) return std::nullopt;
  const std::size_t n_bytes = gguf_scalar_bytes(static_cast<std::uint32_t>(element_type_));
  std::vector<std::int64_t> integers;
  if (n_bytes != 0) integers.reserve(static_cast<std::size_t>(n_elements_));
  for (std::uint64_t i = 0; i < n_elements_; ++i) {
    const auto wide = load_integer(element_type_, payload_.data() + i * n_bytes);
    const auto value = wide ? to_signed(*wide) : std::nullopt;
    if (!value) return std::nullopt;
    integers.push_back(*value);
  }
  return integers;
}

std::vector<GgufValue> GgufValue::elements() const {
  std::vector<GgufValue> values;
  values.reserve(n_elements_);
  auto rest = payload_;
  for (std::uint64_t i = 0; i < n_elements_; ++i) {
    values.push_back(take_element(element_type_, rest));
  }
  return values;
}

void GgufValue::append_encoded(std::string& out) const {
  const auto append = [&out](const auto& number) {
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
  };
  if (type_ == GgufType::kString) append(static_cast<std::uint64_t>(payload_.size()));
  if (is_array()) {
    append(static_cast<std::uint32_t>(element_type_));
    append(n_elements_);
  }
  out.append(reinterpret_cast<const char*>(payload_.data()), payload_.size());
}

std::string printable(std::string_view text) {
  constexpr std::size_t kMaxBytes = 80;
  const bool cut = text.size() > kMaxBytes;
  std::string shown = utf8_sanitize(text.substr(0, kMaxBytes));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return cut ? shown + "..." : shown;
}

}  // namespace jevons
