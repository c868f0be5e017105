#include "weights/checkpoint.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/atomic_file.h"
#include "weights/gguf_value.h"

namespace jevons {
namespace {

// Sorted objects: the index lists a hundred thousand names, and their order means nothing.
using Json = nlohmann::json;

Result<Json> parse_object(std::string_view text, const std::string& name) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || !json.is_object()) return fail("{}: not a JSON object", name);
  return json;
}

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::string& folder) {
  Checkpoint checkpoint;
  checkpoint.folder_ = folder;
  const std::filesystem::path base(folder);
  std::error_code ignored;
  if (!std::filesystem::is_directory(base, ignored)) return fail("{} is not a folder", folder);
  const std::string config_path = (base / "config.json").string();
  JEVONS_ASSIGN(const std::string config_text, read_file(config_path, 1 << 24));
  JEVONS_ASSIGN(CheckpointConfig config, parse_checkpoint_config(config_text, config_path));
  checkpoint.config_ = std::move(config.model);
  checkpoint.tied_head_ = config.tied_head;
  const std::string index_path = (base / "model.safetensors.index.json").string();
  if (std::filesystem::exists(index_path, ignored)) {
    JEVONS_TRY(checkpoint.open_shards(index_path));
  } else {
    JEVONS_TRY(checkpoint.open_file("model.safetensors"));
  }
  return checkpoint;
}

Result<void> Checkpoint::open_file(const std::string& file_name) {
  const std::string path = (std::filesystem::path(folder_) / file_name).string();
  JEVONS_ASSIGN(MappedFile mapping, MappedFile::open(path));
  JEVONS_ASSIGN(SafetensorsFile file, SafetensorsFile::parse(mapping.bytes(), path));
  for (const SafetensorsTensor& tensor : file.tensors()) {
    const auto [place, is_new] = file_of_.try_emplace(tensor.name, files_.size());
    if (!is_new) {
      return fail("{}: tensor '{}' is in {} already", path, printable(tensor.name),
                  files_[place->second].name());
    }
  }
  mappings_.push_back(std::move(mapping));
  files_.push_back(std::move(file));
  return {};
}

Result<void> Checkpoint::open_shards(const std::string& index_path) {
  JEVONS_ASSIGN(const std::string text, read_file(index_path, 1 << 28));
  JEVONS_ASSIGN(const Json index, parse_object(text, index_path));
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    return fail("{}: 'weight_map' must be an object with tensors", index_path);
  }
  std::set<std::string> file_names;
  for (const auto& [name, file] : map->items()) {
    if (!file.is_string()) {
      return fail("{}: the file of '{}' must be a string", index_path, printable(name));
    }
    file_names.insert(file.get<std::string>());
  }
  for (const std::string& file_name : file_names) {
    // The index may only name files beside it.
    if (file_name.empty() ||
        file_name.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      return fail("{}: '{}' is not a plain file name", index_path, printable(file_name));
    }
    JEVONS_TRY(open_file(file_name));
  }
  for (const auto& [name, file] : map->items()) {
    const auto place = file_of_.find(name);
    if (place == file_of_.end()) {
      return fail("{}: tensor '{}' is not in {}, nor in any other file", index_path,
                  printable(name), printable(file.get<std::string>()));
    }
  }
  return {};
}

const SafetensorsTensor* Checkpoint::find(std::string_view name) const {
  const auto place = file_of_.find(std::string(name));
  return place == file_of_.end() ? nullptr : files_[place->second].find(name);
}

}  // namespace jevons
