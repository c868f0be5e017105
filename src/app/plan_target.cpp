#include "app/plan_target.h"

#include <filesystem>

#include "base/atomic_file.h"
#include "weights/checkpoint.h"
#include "weights/m2_tensor_shapes.h"

namespace jevons {
namespace {

namespace fs = std::filesystem;

Result<std::vector<PlannedModel>> all_mixes(const std::string& name, const ModelConfig& config,
                                            const QuantisationMix* only) {
  std::vector<PlannedModel> models;
  std::string problem;
  for (const QuantisationMix& mix : quantisation_mixes()) {
    if (only != nullptr && &mix != only) continue;
    // F16 is as large as BF16: one of them stands for both.
    if (only == nullptr && std::string_view(mix.name) == "F16") continue;
    auto model = compute_model(name, config, mix);
    if (model) {
      models.push_back(std::move(*model));
    } else {
      problem = model.error().message;  // rows of a small model may not divide into every block
    }
  }
  if (models.empty()) return fail("{}", problem);
  return models;
}

// A folder of a checkpoint, or its config.json.
Result<PlanTarget> target_of_config(const std::string& path) {
  constexpr std::uint64_t kMostBytes = 1 << 20;
  JEVONS_ASSIGN(const std::string json, read_file(path, kMostBytes));
  JEVONS_ASSIGN(const CheckpointConfig config, parse_checkpoint_config(json, path));
  const fs::path folder = fs::absolute(path).parent_path();
  PlanTarget target;
  JEVONS_ASSIGN(target.models, all_mixes(folder.filename().string(), config.model, nullptr));
  return target;
}

Result<PlanTarget> target_of_file(const std::string& path) {
  JEVONS_ASSIGN(const ModelFile file, ModelFile::open(path));
  JEVONS_ASSIGN(PlannedModel model, read_planned_model(file));
  PlanTarget target;
  target.models.push_back(std::move(model));
  target.disk = sample_of_file(file);
  return target;
}

}  // namespace

Result<PlanTarget> find_plan_target(const std::string& text) {
  std::error_code error;
  if (fs::is_directory(text, error)) {
    const fs::path config = fs::path(text) / "config.json";
    if (fs::is_regular_file(config, error)) return target_of_config(config.string());
    if (!is_catalogue_name(text)) {
      return fail(
          "{} is a folder without config.json; give a GGUF file, a checkpoint's folder or "
          "a name of the catalogue (jevons plan list)",
          text);
    }
  } else if (fs::exists(text, error)) {
    return text.ends_with(".json") ? target_of_config(text) : target_of_file(text);
  }
  if (text.find('/') != std::string::npos || text.ends_with(".gguf") || text.ends_with(".json")) {
    if (!is_catalogue_name(text)) return fail("{}: there is no such file", text);
  }
  JEVONS_ASSIGN(const CatalogueEntry entry, find_catalogue_entry(text));
  PlanTarget target;
  target.is_catalogue = true;
  target.foreign = entry.foreign;
  if (entry.member != nullptr) {
    JEVONS_ASSIGN(target.models, all_mixes(entry.member->name, m25_config(), entry.mix));
  }
  return target;
}

}  // namespace jevons
