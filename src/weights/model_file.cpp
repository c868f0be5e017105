#include "weights/model_file.h"

#include <filesystem>
#include <functional>
#include <utility>

#include "base/check.h"

namespace jevons {
namespace {

constexpr std::uint32_t kMaxShards = 65535;  // split.count is a uint16
constexpr std::size_t kMaxNamed = 5;         // missing shards listed in an error

Result<GgufFile> map_and_parse(const std::string& path, std::vector<MappedFile>& mappings) {
  JEVONS_ASSIGN(MappedFile mapping, MappedFile::open(path));
  if (mapping.bytes().empty()) return fail("{}: the file is empty", path);
  JEVONS_ASSIGN(GgufFile file, GgufFile::parse(mapping.bytes(), path));
  mappings.push_back(std::move(mapping));
  return file;
}

/// That shard `number` is what its name says, and agrees with the one that was opened.
Result<void> check_shard(const GgufFile& shard, std::uint32_t number, std::uint32_t count) {
  JEVONS_ASSIGN(const std::uint32_t own_count, shard.get_u32("split.count", 0));
  if (own_count != count) {
    return fail("{}: split.count is {}, must be {} as in the other shards", shard.name(), own_count,
                count);
  }
  JEVONS_ASSIGN(const std::uint32_t no, shard.get_u32("split.no"));
  if (no != number - 1) {
    return fail("{}: split.no is {}, must be {} for a file of this name", shard.name(), no,
                number - 1);
  }
  return {};
}

}  // namespace

std::string shard_path(const std::string& path, std::uint32_t number, std::uint32_t count) {
  // NAME-00001-of-00003.gguf: five digits each, more only if a number needs them.
  const std::string end = fmt::format("-of-{:05d}.gguf", count);
  if (path.size() < end.size() + 6 || !path.ends_with(end)) return "";
  std::size_t start = path.size() - end.size();
  std::size_t n_digits = 0;
  while (start > 0 && path[start - 1] >= '0' && path[start - 1] <= '9') {
    --start;
    ++n_digits;
  }
  if (n_digits != 5 || start == 0 || path[start - 1] != '-') return "";
  return fmt::format("{}{:05d}{}", path.substr(0, start), number, end);
}

Result<ModelFile> ModelFile::open(const std::string& path) {
  ModelFile model;
  model.path_ = path;
  JEVONS_ASSIGN(GgufFile opened, map_and_parse(path, model.mappings_));
  JEVONS_ASSIGN(const std::uint32_t count, opened.get_u32("split.count", 0));
  if (count <= 1) {
    model.shards_.push_back(std::move(opened));
  } else {
    model.mappings_.clear();
    JEVONS_TRY(model.open_shards(count));
  }
  JEVONS_TRY(model.index_tensors());
  return model;
}

Result<ModelFile> ModelFile::from_bytes(std::span<const std::byte> bytes, const std::string& name) {
  ModelFile model;
  model.path_ = name;
  JEVONS_ASSIGN(GgufFile file, GgufFile::parse(bytes, name));
  JEVONS_ASSIGN(const std::uint32_t count, file.get_u32("split.count", 0));
  if (count > 1) return fail("{}: one of {} shards cannot be read from memory", name, count);
  model.shards_.push_back(std::move(file));
  JEVONS_TRY(model.index_tensors());
  return model;
}

Result<void> ModelFile::open_shards(std::uint32_t count) {
  if (count > kMaxShards) {
    return fail("{}: split.count is {}, must be at most {}", path_, count, kMaxShards);
  }
  const std::string name = std::filesystem::path(path_).filename().string();
  if (shard_path(name, 1, count).empty()) {
    return fail(
        "{}: one of {} shards, so its name must end in -NNNNN-of-{:05d}.gguf for the others to be "
        "found",
        path_, count, count);
  }
  std::string missing;
  std::size_t n_missing = 0;
  for (std::uint32_t number = 1; number <= count; ++number) {
    const std::string path = shard_path(path_, number, count);
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) continue;
    if (++n_missing <= kMaxNamed) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", path);
  }
  if (n_missing > 0) {
    return fail("{}: {} of {} shards missing: {}{}", path_, n_missing, count, missing,
                n_missing > kMaxNamed ? ", ..." : "");
  }
  for (std::uint32_t number = 1; number <= count; ++number) {
    JEVONS_ASSIGN(GgufFile shard, map_and_parse(shard_path(path_, number, count), mappings_));
    JEVONS_TRY(check_shard(shard, number, count));
    shards_.push_back(std::move(shard));
  }
  return {};
}

Result<void> ModelFile::index_tensors() {
  for (const GgufFile& shard : shards_) {
    for (const GgufTensor& tensor : shard.tensors()) {
      if (!tensor_index_.try_emplace(tensor.name, &tensor).second) {
        return fail("{}: tensor '{}' is in another shard already", shard.name(),
                    printable(tensor.name));
      }
      tensors_.push_back(&tensor);
    }
  }
  if (shards_.size() == 1) return {};
  JEVONS_ASSIGN(const std::uint64_t n_expected, metadata().get_u64("split.tensors.count"));
  if (n_expected != tensors_.size()) {
    return fail("{}: split.tensors.count is {}, but the {} shards hold {} tensors",
                metadata().name(), n_expected, shards_.size(), tensors_.size());
  }
  return {};
}

const GgufTensor* ModelFile::find_tensor(std::string_view name) const {
  const auto place = tensor_index_.find(name);
  return place == tensor_index_.end() ? nullptr : place->second;
}

FilePlace ModelFile::place_of(const std::byte* data) const {
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    const std::span<const std::byte> bytes = shards_[i].bytes();
    if (std::less_equal<>{}(bytes.data(), data) &&
        std::less<>{}(data, bytes.data() + bytes.size())) {
      return {static_cast<int>(i), static_cast<std::uint64_t>(data - bytes.data())};
    }
  }
  JEVONS_CHECK(false && "not a byte of this model");
  return {};
}

std::vector<std::string> ModelFile::paths() const {
  std::vector<std::string> paths;
  paths.reserve(shards_.size());
  for (const GgufFile& shard : shards_) paths.push_back(shard.name());
  return paths;
}

std::uint64_t ModelFile::n_bytes() const {
  std::uint64_t total = 0;
  for (const GgufFile& shard : shards_) total += shard.n_bytes();
  return total;
}

}  // namespace jevons
