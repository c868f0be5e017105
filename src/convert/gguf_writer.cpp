#include "convert/gguf_writer.h"

#include <bit>
#include <utility>

#include "base/check.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

constexpr std::uint64_t kMostAlignment = std::uint64_t{1} << 20;

template <typename T>
void append_raw(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace

Result<void> check_alignment(std::uint64_t alignment) {
  if (std::has_single_bit(alignment) && alignment >= GgufWriter::kDefaultAlignment &&
      alignment <= kMostAlignment) {
    return {};
  }
  return fail("the alignment is {}, and must be a power of two from {} to {}", alignment,
              GgufWriter::kDefaultAlignment, kMostAlignment);
}

void GgufWriter::set_alignment(std::uint64_t alignment) {
  JEVONS_CHECK(check_alignment(alignment) && tensors_.empty());
  alignment_ = alignment;
  // Files without the key are read as this.
  if (alignment == kDefaultAlignment) return;
  set("general.alignment", static_cast<std::uint32_t>(alignment));
}

std::uint64_t GgufWriter::padded(std::uint64_t n_bytes) const {
  return (n_bytes + alignment_ - 1) / alignment_ * alignment_;
}

void GgufWriter::append_string(std::string_view text) {
  append(static_cast<std::uint64_t>(text.size()));
  metadata_.append(text);
}

void GgufWriter::begin_entry(std::string_view key, GgufType type) {
  JEVONS_CHECK(!file_);
  append_string(key);
  append(static_cast<std::uint32_t>(type));
  ++n_entries_;
}

void GgufWriter::begin_array(std::string_view key, GgufType type, std::size_t n) {
  begin_entry(key, GgufType::kArray);
  append(static_cast<std::uint32_t>(type));
  append(static_cast<std::uint64_t>(n));
}

void GgufWriter::set_string(std::string_view key, std::string_view text) {
  begin_entry(key, GgufType::kString);
  append_string(text);
}

void GgufWriter::set_strings(std::string_view key, std::span<const std::string> texts) {
  begin_array(key, GgufType::kString, texts.size());
  for (const std::string& text : texts) append_string(text);
}

void GgufWriter::set_copy(std::string_view key, const GgufValue& value) {
  begin_entry(key, value.type());
  value.append_encoded(metadata_);
}

void GgufWriter::add_tensor(const std::string& name, std::uint32_t type_id,
                            std::vector<std::int64_t> shape) {
  JEVONS_CHECK(!file_ && !shape.empty());
  const TensorTypeFacts* type = tensor_type_facts(type_id);
  JEVONS_CHECK(type != nullptr && shape[0] % type->block_elements == 0);
  auto n_bytes = static_cast<std::uint64_t>(shape[0] / type->block_elements) *
                     static_cast<std::uint64_t>(type->block_bytes) +
                 static_cast<std::uint64_t>(type->row_extra_bytes);
  for (std::size_t i = 1; i < shape.size(); ++i) n_bytes *= static_cast<std::uint64_t>(shape[i]);
  tensors_.push_back({name, type_id, std::move(shape), n_bytes, next_offset_});
  next_offset_ += padded(n_bytes);
}

std::uint64_t GgufWriter::tensor_bytes(std::size_t index) const { return tensors_[index].n_bytes; }

std::string GgufWriter::header() const {
  std::string out = "GGUF";
  append_raw(out, std::uint32_t{3});
  append_raw(out, static_cast<std::uint64_t>(tensors_.size()));
  append_raw(out, n_entries_);
  out += metadata_;
  for (const Tensor& tensor : tensors_) {
    append_raw(out, static_cast<std::uint64_t>(tensor.name.size()));
    out += tensor.name;
    append_raw(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::int64_t dimension : tensor.shape) append_raw(out, dimension);
    append_raw(out, tensor.type_id);
    append_raw(out, tensor.offset);
  }
  out.resize(padded(out.size()), '\0');
  return out;
}

Result<void> GgufWriter::begin(const std::string& path) {
  JEVONS_CHECK(!file_);
  JEVONS_ASSIGN(AtomicFile file, AtomicFile::create(path));
  file_.emplace(std::move(file));
  return file_->write(header());
}

Result<void> GgufWriter::advance(std::uint64_t n_bytes) {
  JEVONS_CHECK(current_ < tensors_.size() && n_bytes <= tensors_[current_].n_bytes - n_done_);
  n_done_ += n_bytes;
  if (n_done_ < tensors_[current_].n_bytes) return {};
  const std::uint64_t n_padding = padded(n_done_) - n_done_;
  ++current_;
  n_done_ = 0;
  return n_padding > 0 ? file_->skip(n_padding) : Result<void>();
}

Result<void> GgufWriter::write(std::span<const std::byte> bytes) {
  JEVONS_CHECK(file_.has_value());
  JEVONS_TRY(file_->write(bytes));
  return advance(bytes.size());
}

Result<void> GgufWriter::skip(std::uint64_t n_bytes) {
  JEVONS_CHECK(file_.has_value());
  JEVONS_TRY(file_->skip(n_bytes));
  return advance(n_bytes);
}

Result<void> GgufWriter::commit() {
  JEVONS_CHECK(file_.has_value() && current_ == tensors_.size());
  return file_->commit();
}

}  // namespace jevons
