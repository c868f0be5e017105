#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "weights/gguf_file.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF", read little-endian
constexpr int kMaxArrayDepth = 4;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr std::uint64_t kMaxNameBytes = 65535;  // the specification's limit for keys
constexpr std::uint64_t kMaxAlignment = std::uint64_t{1} << 20;
constexpr std::uint64_t kMaxSigned = static_cast<std::uint64_t>(INT64_MAX);

static_assert(std::endian::native == std::endian::little, "GGUF values are read as they lie");

/// a * b, or false if it does not fit into an int64.
bool multiply_into(std::uint64_t& a, std::uint64_t b) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product > kMaxSigned) return false;
  a = product;
  return true;
}

}  // namespace

/// Walks the bytes once, front to back. position_ never passes the end.
class GgufParser {
 public:
  GgufParser(std::span<const std::byte> bytes, std::string name) : bytes_(bytes) {
    file_.name_ = std::move(name);
    file_.bytes_ = bytes;
  }

  Result<GgufFile> parse() {
    JEVONS_ASSIGN(const Counts counts, read_header());
    for (std::uint64_t i = 0; i < counts.n_metadata; ++i) JEVONS_TRY(read_entry(i));
    JEVONS_TRY(read_alignment());
    for (std::uint64_t i = 0; i < counts.n_tensors; ++i) JEVONS_TRY(read_tensor(i));
    JEVONS_TRY(place_tensors());
    JEVONS_TRY(refuse_overlaps());
    return std::move(file_);
  }

 private:
  struct Counts {
    std::uint64_t n_tensors, n_metadata;
  };

  [[nodiscard]] std::uint64_t remaining() const { return bytes_.size() - position_; }
  [[nodiscard]] const std::string& name() const { return file_.name_; }

  /// The next `n` bytes; `what` names them in the error.
  Result<std::span<const std::byte>> take(std::uint64_t n, const char* what) {
    if (n > remaining()) {
      return fail("{}: {} at byte {} needs {} bytes, but the file ends at byte {}{}", name(), what,
                  position_, n, bytes_.size(), context());
    }
    const auto front = bytes_.subspan(static_cast<std::size_t>(position_), n);
    position_ += n;
    return front;
  }

  template <typename T>
  Result<T> read(const char* what) {
    JEVONS_ASSIGN(const auto raw, take(sizeof(T), what));
    T value;
    std::memcpy(&value, raw.data(), sizeof value);
    return value;
  }

  Result<std::string_view> read_string(const char* what) {
    JEVONS_ASSIGN(const auto n, read<std::uint64_t>(what));
    JEVONS_ASSIGN(const auto raw, take(n, what));
    return std::string_view(reinterpret_cast<const char*>(raw.data()), raw.size());
  }

  /// " (in metadata 'a.key')": what was being read, for the end of a message.
  [[nodiscard]] std::string context() const {
    if (context_kind_ == nullptr) return "";
    return fmt::format(" (in {} '{}')", context_kind_, printable(context_name_));
  }

  /// A count is refused before anything is done `n` times: `n` things of at least `least_bytes`.
  Result<void> check_count(std::uint64_t n, std::uint64_t least_bytes, const char* what) const {
    if (n <= remaining() / least_bytes) return {};
    return fail("{}: {} is {} at byte {}, but the {} bytes left hold at most {}{}", name(), what, n,
                position_, remaining(), remaining() / least_bytes, context());
  }

  Result<Counts> read_header() {
    JEVONS_ASSIGN(const auto magic, read<std::uint32_t>("the magic number"));
    if (magic != kMagic) {
      return fail("{}: not a GGUF file: it starts with 0x{:08x}, must be \"GGUF\" (0x{:08x})",
                  name(), __builtin_bswap32(magic), __builtin_bswap32(kMagic));
    }
    JEVONS_ASSIGN(file_.version_, read<std::uint32_t>("the version"));
    const std::uint32_t swapped = __builtin_bswap32(file_.version_);
    if (swapped == 2 || swapped == 3) {
      return fail("{}: a big-endian GGUF file (version {}); only little-endian files can be read",
                  name(), swapped);
    }
    if (file_.version_ != 2 && file_.version_ != 3) {
      return fail("{}: GGUF version {} at byte 4; must be 2 or 3", name(), file_.version_);
    }
    Counts counts{};
    JEVONS_ASSIGN(counts.n_tensors, read<std::uint64_t>("the number of tensors"));
    JEVONS_ASSIGN(counts.n_metadata, read<std::uint64_t>("the number of metadata entries"));
    // An entry is at least a key's length, a type and a byte; a tensor a length, one dimension,
    // its size, a type and an offset.
    JEVONS_TRY(check_count(counts.n_metadata, 8 + 4 + 1, "the number of metadata entries"));
    JEVONS_TRY(check_count(counts.n_tensors, 8 + 4 + 8 + 4 + 8, "the number of tensors"));
    return counts;
  }

  Result<std::string_view> read_name(const char* what) {
    const std::uint64_t start = position_;
    JEVONS_ASSIGN(const auto text, read_string(what));
    if (text.empty() || text.size() > kMaxNameBytes) {
      return fail("{}: {} at byte {} has {} bytes, must have 1 to {}", name(), what, start,
                  text.size(), kMaxNameBytes);
    }
    return text;
  }

  Result<void> read_entry(std::uint64_t index) {
    context_kind_ = nullptr;
    const std::uint64_t start = position_;
    JEVONS_ASSIGN(const auto key, read_name("a metadata key"));
    context_kind_ = "metadata";
    context_name_ = key;
    const auto [place, is_new] = file_.metadata_index_.try_emplace(key, file_.metadata_.size());
    if (!is_new) {
      return fail("{}: metadata key '{}' appears twice: entries {} and {}, the latter at byte {}",
                  name(), printable(key), place->second, index, start);
    }
    JEVONS_ASSIGN(const auto type_id, read<std::uint32_t>("a metadata value's type"));
    JEVONS_ASSIGN(const GgufValue value, read_value(type_id, 0));
    file_.metadata_.push_back({key, value});
    return {};
  }

  Result<GgufValue> read_value(std::uint32_t type_id, int depth) {
    if (type_id == static_cast<std::uint32_t>(GgufType::kArray)) return read_array(depth + 1);
    if (type_id == static_cast<std::uint32_t>(GgufType::kString)) {
      JEVONS_ASSIGN(const auto text, read_string("a string"));
      return GgufValue(GgufType::kString, std::as_bytes(std::span(text.data(), text.size())));
    }
    const std::size_t n_bytes = gguf_scalar_bytes(type_id);
    if (n_bytes == 0) {
      return fail("{}: value type {} at byte {} is none of GGUF's (0 to 12){}", name(), type_id,
                  position_ - 4, context());
    }
    JEVONS_ASSIGN(const auto payload, take(n_bytes, "a value"));
    if (type_id == static_cast<std::uint32_t>(GgufType::kBool)) JEVONS_TRY(check_bools(payload));
    return GgufValue(static_cast<GgufType>(type_id), payload);
  }

  Result<void> check_bools(std::span<const std::byte> payload) const {
    for (std::size_t i = 0; i < payload.size(); ++i) {
      if (std::to_integer<int>(payload[i]) > 1) {
        return fail("{}: a bool at byte {} is {}, must be 0 or 1{}", name(),
                    position_ - payload.size() + i, std::to_integer<int>(payload[i]), context());
      }
    }
    return {};
  }

  Result<GgufValue> read_array(int depth) {
    if (depth > kMaxArrayDepth) {
      return fail("{}: arrays nested more than {} deep at byte {}{}", name(), kMaxArrayDepth,
                  position_, context());
    }
    JEVONS_ASSIGN(const auto type_id, read<std::uint32_t>("an array's element type"));
    JEVONS_ASSIGN(const auto n, read<std::uint64_t>("an array's length"));
    const auto type = static_cast<GgufType>(type_id);
    const std::size_t scalar_bytes = gguf_scalar_bytes(type_id);
    const std::uint64_t start = position_;
    if (scalar_bytes != 0) {
      JEVONS_TRY(check_count(n, scalar_bytes, "an array's length"));
      JEVONS_ASSIGN(const auto payload, take(n * scalar_bytes, "an array"));
      if (type == GgufType::kBool) JEVONS_TRY(check_bools(payload));
      return GgufValue(type, n, payload);
    }
    if (type != GgufType::kString && type != GgufType::kArray) {
      return fail("{}: element type {} at byte {} is none of GGUF's (0 to 12){}", name(), type_id,
                  position_ - 12, context());
    }
    JEVONS_TRY(check_count(n, type == GgufType::kString ? 8 : 12, "an array's length"));
    for (std::uint64_t i = 0; i < n; ++i) JEVONS_TRY(read_value(type_id, depth));
    return GgufValue(type, n, bytes_.subspan(start, position_ - start));
  }

  Result<void> read_alignment() {
    context_kind_ = nullptr;
    JEVONS_ASSIGN(const auto alignment, file_.get_u32("general.alignment", 32));
    // Less than 8 would let float rows lie across their natural border.
    if (!std::has_single_bit(alignment) || alignment < 8 || alignment > kMaxAlignment) {
      return fail("{}: general.alignment is {}, must be a power of two from 8 to {}", name(),
                  alignment, kMaxAlignment);
    }
    file_.alignment_ = alignment;
    return {};
  }

  Result<void> read_tensor(std::uint64_t index) {
    context_kind_ = nullptr;
    const std::uint64_t start = position_;
    JEVONS_ASSIGN(const auto tensor_name, read_name("a tensor's name"));
    context_kind_ = "tensor";
    context_name_ = tensor_name;
    const auto [place, is_new] = file_.tensor_index_.try_emplace(tensor_name, index);
    if (!is_new) {
      return fail("{}: tensor '{}' appears twice: numbers {} and {}, the latter at byte {}", name(),
                  printable(tensor_name), place->second, index, start);
    }
    JEVONS_ASSIGN(const auto n_dimensions, read<std::uint32_t>("a number of dimensions"));
    if (n_dimensions < 1 || n_dimensions > kMaxDimensions) {
      return fail("{}: tensor '{}' has {} dimensions at byte {}, must have 1 to {}", name(),
                  printable(tensor_name), n_dimensions, position_ - 4, kMaxDimensions);
    }
    GgufTensor tensor{
        .name = std::string(tensor_name), .type_id = 0, .shape = {}, .data = nullptr, .n_bytes = 0};
    for (std::uint32_t i = 0; i < n_dimensions; ++i) {
      JEVONS_ASSIGN(const auto dimension, read<std::uint64_t>("a dimension"));
      if (dimension < 1 || dimension > kMaxSigned) {
        return fail("{}: tensor '{}' has dimension {} = {} at byte {}, must be 1 to {}", name(),
                    printable(tensor_name), i, dimension, position_ - 8, kMaxSigned);
      }
      tensor.shape.push_back(static_cast<std::int64_t>(dimension));
    }
    JEVONS_ASSIGN(tensor.type_id, read<std::uint32_t>("a tensor's type"));
    JEVONS_TRY(measure(tensor));
    JEVONS_ASSIGN(const auto offset, read<std::uint64_t>("a tensor's offset"));
    offsets_.push_back(offset);
    file_.tensors_.push_back(std::move(tensor));
    return {};
  }

  /// Bytes of the tensor from its type and shape.
  Result<void> measure(GgufTensor& tensor) const {
    const TensorTypeFacts* type = tensor_type_facts(tensor.type_id);
    if (type == nullptr) {
      return fail("{}: tensor '{}' has type id {} at byte {}, which is none that is known", name(),
                  printable(tensor.name), tensor.type_id, position_ - 4);
    }
    const std::int64_t n_columns = tensor.shape[0];
    if (n_columns % type->block_elements != 0) {
      return fail("{}: tensor '{}' of type {} has rows of {} elements, must be a multiple of {}",
                  name(), printable(tensor.name), type->name, n_columns, type->block_elements);
    }
    auto n_bytes = static_cast<std::uint64_t>(n_columns / type->block_elements);
    bool fits = multiply_into(n_bytes, static_cast<std::uint64_t>(type->block_bytes));
    n_bytes += static_cast<std::uint64_t>(type->row_extra_bytes);
    auto n_elements = static_cast<std::uint64_t>(n_columns);
    for (std::size_t i = 1; i < tensor.shape.size(); ++i) {
      const auto dimension = static_cast<std::uint64_t>(tensor.shape[i]);
      fits = fits && multiply_into(n_bytes, dimension) && multiply_into(n_elements, dimension);
    }
    if (!fits) {
      return fail("{}: tensor '{}' of shape {} has more than {} elements or bytes", name(),
                  printable(tensor.name), tensor.shape_text(), kMaxSigned);
    }
    tensor.n_bytes = n_bytes;
    return {};
  }

  /// The data starts at the next multiple of the alignment; every tensor must lie inside.
  Result<void> place_tensors() {
    const std::uint64_t a = file_.alignment_;
    file_.data_offset_ = (position_ + a - 1) / a * a;
    const std::uint64_t size = bytes_.size();
    for (std::size_t i = 0; i < file_.tensors_.size(); ++i) {
      GgufTensor& tensor = file_.tensors_[i];
      const std::uint64_t offset = offsets_[i];
      if (offset % a != 0) {
        return fail("{}: tensor '{}' starts at data offset {}, must be a multiple of {}", name(),
                    printable(tensor.name), offset, a);
      }
      const std::uint64_t room = size > file_.data_offset_ ? size - file_.data_offset_ : 0;
      if (offset > room || tensor.n_bytes > room - offset) {
        return fail(
            "{}: tensor '{}' has {} bytes at data offset {}, but the data from byte {} on is only "
            "{} bytes long; the file is {} bytes and was probably cut short",
            name(), printable(tensor.name), tensor.n_bytes, offset, file_.data_offset_, room, size);
      }
      tensor.data = bytes_.data() + file_.data_offset_ + offset;
    }
    return {};
  }

  Result<void> refuse_overlaps() const {
    std::vector<std::size_t> order(offsets_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [this](std::size_t a, std::size_t b) { return offsets_[a] < offsets_[b]; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      const std::size_t first = order[i - 1];
      const std::size_t second = order[i];
      const std::uint64_t end = offsets_[first] + file_.tensors_[first].n_bytes;
      if (end > offsets_[second]) {
        return fail("{}: tensor '{}' ends at data offset {}, but tensor '{}' starts at {}", name(),
                    printable(file_.tensors_[first].name), end,
                    printable(file_.tensors_[second].name), offsets_[second]);
      }
    }
    return {};
  }

  std::span<const std::byte> bytes_;
  std::uint64_t position_ = 0;
  GgufFile file_;
  std::vector<std::uint64_t> offsets_;  // of each tensor, from data_offset_
  const char* context_kind_ = nullptr;
  std::string_view context_name_;
};

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes, std::string name) {
  return GgufParser(bytes, std::move(name)).parse();
}

}  // namespace jevons
