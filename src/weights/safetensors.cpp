#include "weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "weights/gguf_value.h"

namespace jevons {
namespace {

// Sorted objects, not ordered_json: a file may hold a hundred thousand names, and their order in
// the header means nothing.
using Json = nlohmann::json;

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr std::uint64_t kMaxSigned = static_cast<std::uint64_t>(INT64_MAX);
constexpr std::size_t kMaxDimensions = 8;

struct TypeBytes {
  std::string_view name;
  std::uint64_t n_bytes;
};
constexpr TypeBytes kTypes[] = {{"BOOL", 1},    {"U8", 1},      {"I8", 1},  {"F8_E4M3", 1},
                                {"F8_E5M2", 1}, {"F8_E8M0", 1}, {"U16", 2}, {"I16", 2},
                                {"F16", 2},     {"BF16", 2},    {"U32", 4}, {"I32", 4},
                                {"F32", 4},     {"U64", 8},     {"I64", 8}, {"F64", 8}};

/// Parses the header; a name that appears twice is an error, which JSON itself does not see.
Result<Json> parse_header(std::string_view text, const std::string& file_name) {
  std::set<std::string> names;
  std::string twice;
  const auto callback = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth == 1 && event == Json::parse_event_t::key) {
      const auto& name = parsed.get_ref<const std::string&>();
      if (!names.insert(name).second) twice = name;
    }
    return true;
  };
  Json header = Json::parse(text.begin(), text.end(), callback, /*allow_exceptions=*/false);
  if (header.is_discarded() || !header.is_object()) {
    return fail("{}: the header is not a JSON object", file_name);
  }
  if (!twice.empty()) {
    return fail("{}: tensor '{}' appears twice in the header", file_name, printable(twice));
  }
  return header;
}

Result<std::uint64_t> number(const Json& value, const std::string& what) {
  if (!value.is_number_unsigned()) return fail("{} must be a whole number", what);
  const auto result = value.get<std::uint64_t>();
  if (result > kMaxSigned) return fail("{} is {}, must be at most {}", what, result, kMaxSigned);
  return result;
}

/// One entry of the header against the `n_data_bytes` that follow it.
Result<SafetensorsTensor> read_tensor(const std::string& file_name, const std::string& name,
                                      const Json& entry, std::span<const std::byte> data) {
  const std::string what = fmt::format("{}: tensor '{}'", file_name, printable(name));
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
      !entry.contains("data_offsets")) {
    return fail("{} must have dtype, shape and data_offsets", what);
  }
  const Json& type = entry["dtype"];
  const Json& shape = entry["shape"];
  const Json& offsets = entry["data_offsets"];
  if (!type.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2 ||
      shape.size() > kMaxDimensions) {
    return fail("{} must have a string dtype, a shape of at most {} and two data_offsets", what,
                kMaxDimensions);
  }
  SafetensorsTensor tensor{name, type.get<std::string>(), {}, nullptr, 0};
  std::uint64_t n_expected = safetensors_type_bytes(tensor.type);
  if (n_expected == 0) return fail("{} has the unknown type '{}'", what, printable(tensor.type));
  for (const Json& size : shape) {
    JEVONS_ASSIGN(const std::uint64_t dimension, number(size, what + ": a dimension"));
    if (__builtin_mul_overflow(n_expected, dimension, &n_expected) || n_expected > kMaxSigned) {
      return fail("{} has more than {} bytes", what, kMaxSigned);
    }
    tensor.shape.push_back(static_cast<std::int64_t>(dimension));
  }
  JEVONS_ASSIGN(const std::uint64_t begin, number(offsets[0], what + ": its first data offset"));
  JEVONS_ASSIGN(const std::uint64_t end, number(offsets[1], what + ": its second data offset"));
  if (begin > end || end > data.size()) {
    return fail("{} lies at {} to {} of {} bytes of data; the file was probably cut short", what,
                begin, end, data.size());
  }
  if (end - begin != n_expected) {
    return fail("{} has {} bytes, must have {} for {} {}", what, end - begin, n_expected,
                tensor.type, tensor.shape_text());
  }
  tensor.data = data.data() + begin;
  tensor.n_bytes = n_expected;
  return tensor;
}

}  // namespace

std::string SafetensorsTensor::shape_text() const {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", shape[i]);
  }
  return text + "]";
}

std::uint64_t safetensors_type_bytes(std::string_view type) {
  for (const TypeBytes& known : kTypes) {
    if (known.name == type) return known.n_bytes;
  }
  return 0;
}

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes, std::string name) {
  std::uint64_t n_header = 0;
  if (bytes.size() < sizeof n_header) {
    return fail("{}: not a safetensors file: {} bytes, must be at least 8", name, bytes.size());
  }
  std::memcpy(&n_header, bytes.data(), sizeof n_header);
  bytes = bytes.subspan(sizeof n_header);
  if (n_header > bytes.size() || n_header > kMaxHeaderBytes) {
    return fail("{}: not a safetensors file or cut short: its header has {} bytes, {} follow", name,
                n_header, bytes.size());
  }
  const auto text = bytes.first(n_header);
  const auto data = bytes.subspan(n_header);
  JEVONS_ASSIGN(const Json header,
                parse_header({reinterpret_cast<const char*>(text.data()), text.size()}, name));
  SafetensorsFile file;
  file.name_ = std::move(name);
  for (const auto& [key, entry] : header.items()) {
    if (key == "__metadata__") continue;
    JEVONS_ASSIGN(SafetensorsTensor tensor, read_tensor(file.name_, key, entry, data));
    file.index_.emplace(key, file.tensors_.size());
    file.tensors_.push_back(std::move(tensor));
  }
  JEVONS_TRY(file.refuse_overlaps(data.data()));
  return file;
}

const SafetensorsTensor* SafetensorsFile::find(std::string_view name) const {
  const auto place = index_.find(std::string(name));
  return place == index_.end() ? nullptr : &tensors_[place->second];
}

Result<void> SafetensorsFile::refuse_overlaps(const std::byte* data) const {
  std::vector<const SafetensorsTensor*> order;
  for (const SafetensorsTensor& tensor : tensors_) {
    if (tensor.n_bytes > 0) order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(),
            [](const auto* a, const auto* b) { return a->data < b->data; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (order[i - 1]->data + order[i - 1]->n_bytes > order[i]->data) {
      return fail("{}: tensor '{}' ends at data offset {}, but tensor '{}' starts at {}", name_,
                  printable(order[i - 1]->name),
                  order[i - 1]->data - data + static_cast<std::ptrdiff_t>(order[i - 1]->n_bytes),
                  printable(order[i]->name), order[i]->data - data);
    }
  }
  return {};
}

}  // namespace jevons
