#include "weights/gguf_file.h"

#include <limits>

namespace jevons {

std::int64_t GgufTensor::n_elements() const {
  std::int64_t n = 1;
  for (const std::int64_t dimension : shape) n *= dimension;
  return n;
}

std::string GgufTensor::shape_text() const {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  }
  return text + "]";
}

const GgufTensor* GgufFile::find_tensor(std::string_view name) const {
  const auto place = tensor_index_.find(name);
  return place == tensor_index_.end() ? nullptr : &tensors_[place->second];
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto place = metadata_index_.find(key);
  return place == metadata_index_.end() ? nullptr : &metadata_[place->second].value;
}

Result<const GgufValue*> GgufFile::require(std::string_view key) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return fail("{}: metadata key '{}' is missing", name_, key);
  return value;
}

Result<std::uint64_t> GgufFile::get_u64(std::string_view key) const {
  JEVONS_ASSIGN(const GgufValue* value, require(key));
  if (const auto number = value->as_unsigned()) return *number;
  if (const auto number = value->as_signed()) {
    return fail("{}: metadata key '{}' is {}, must not be negative", name_, key, *number);
  }
  return fail("{}: metadata key '{}' is of type {}, must be an integer", name_, key,
              value->describe());
}

Result<std::uint32_t> GgufFile::get_u32(std::string_view key) const {
  JEVONS_ASSIGN(const std::uint64_t number, get_u64(key));
  if (number > std::numeric_limits<std::uint32_t>::max()) {
    return fail("{}: metadata key '{}' is {}, must be at most {}", name_, key, number,
                std::numeric_limits<std::uint32_t>::max());
  }
  return static_cast<std::uint32_t>(number);
}

Result<std::uint32_t> GgufFile::get_u32(std::string_view key, std::uint32_t fallback) const {
  return find(key) == nullptr ? Result<std::uint32_t>(fallback) : get_u32(key);
}

Result<float> GgufFile::get_f32(std::string_view key) const {
  JEVONS_ASSIGN(const GgufValue* value, require(key));
  const auto number = value->as_float();
  if (!number) {
    return fail("{}: metadata key '{}' is of type {}, must be a float", name_, key,
                value->describe());
  }
  const double limit = std::numeric_limits<float>::max();
  if (!(*number >= -limit && *number <= limit)) {
    return fail("{}: metadata key '{}' is {}, must be a finite float", name_, key, *number);
  }
  return static_cast<float>(*number);
}

Result<float> GgufFile::get_f32(std::string_view key, float fallback) const {
  return find(key) == nullptr ? Result<float>(fallback) : get_f32(key);
}

Result<bool> GgufFile::get_bool(std::string_view key, bool fallback) const {
  const GgufValue* value = find(key);
  if (value == nullptr) return fallback;
  if (const auto truth = value->as_bool()) return *truth;
  return fail("{}: metadata key '{}' is of type {}, must be a bool", name_, key, value->describe());
}

Result<std::string_view> GgufFile::get_string(std::string_view key) const {
  JEVONS_ASSIGN(const GgufValue* value, require(key));
  if (const auto text = value->as_string()) return *text;
  return fail("{}: metadata key '{}' is of type {}, must be a string", name_, key,
              value->describe());
}

Result<std::string_view> GgufFile::get_string(std::string_view key,
                                              std::string_view fallback) const {
  return find(key) == nullptr ? Result<std::string_view>(fallback) : get_string(key);
}

}  // namespace jevons
