#include "meter/planned_model.h"

#include <algorithm>

#include "weights/m2_config.h"
#include "weights/m2_weights.h"
#include "weights/model_file.h"
#include "weights/model_summary.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

void add_part(TensorGroup group, std::uint32_t type_id, std::uint64_t n_elements,
              std::uint64_t n_bytes, std::vector<WeightPart>& parts) {
  for (WeightPart& part : parts) {
    if (part.group != group || part.type_id != type_id) continue;
    part.n_elements += n_elements;
    part.n_bytes += n_bytes;
    return;
  }
  parts.push_back({group, type_id, n_elements, n_bytes});
}

// The part of `whole` that one token reads of a group.
std::uint64_t active(const WeightPart& part, std::uint64_t whole, const ModelConfig& config) {
  if (part.group == TensorGroup::kOther) return 0;
  if (part.group == TensorGroup::kEmbedding) {
    return whole / static_cast<std::uint64_t>(std::max(1, config.vocab_size));
  }
  if (!is_expert_group(part.group)) return whole;
  return whole / static_cast<std::uint64_t>(config.n_experts) *
         static_cast<std::uint64_t>(config.n_experts_used);
}

std::uint64_t sum(const std::vector<WeightPart>& parts, bool experts) {
  std::uint64_t n_bytes = 0;
  for (const WeightPart& part : parts) {
    if (is_expert_group(part.group) == experts) n_bytes += part.n_bytes;
  }
  return n_bytes;
}

// What most bytes of the experts are, as a name for a file that does not say its mix.
std::string main_type(const std::vector<WeightPart>& parts) {
  const WeightPart* most = nullptr;
  for (const WeightPart& part : parts) {
    if (!is_expert_group(part.group)) continue;
    if (most == nullptr || part.n_bytes > most->n_bytes) most = &part;
  }
  return most == nullptr ? "" : std::string(planned_type_name(most->type_id));
}

std::string problem_of(const std::vector<WeightPart>& parts) {
  for (const WeightPart& part : parts) {
    if (part.type_id == kFp8TypeId) {
      return "is a checkpoint, no GGUF file: jevons quantize makes one of it";
    }
    if (!weight_format(part.type_id)) {
      return fmt::format("has {} tensors, which Jevons cannot compute with",
                         planned_type_name(part.type_id));
    }
  }
  return "";
}

}  // namespace

std::uint64_t PlannedModel::expert_bytes() const { return sum(parts, true); }
std::uint64_t PlannedModel::dense_bytes() const { return sum(parts, false); }

std::uint64_t PlannedModel::pinned_bytes() const {
  const auto bytes_of = [&](TensorGroup group) {
    std::uint64_t n_bytes = 0;
    for (const WeightPart& part : parts) n_bytes += part.group == group ? part.n_bytes : 0;
    return n_bytes;
  };
  const bool has_head = bytes_of(TensorGroup::kHead) > 0;
  return dense_bytes() - (has_head ? bytes_of(TensorGroup::kEmbedding) : 0);
}

std::uint64_t PlannedModel::n_parameters() const {
  std::uint64_t n = 0;
  for (const WeightPart& part : parts) n += part.n_elements;
  return n;
}

std::uint64_t PlannedModel::n_active_parameters() const {
  std::uint64_t n = 0;
  for (const WeightPart& part : parts) n += active(part, part.n_elements, config);
  return n;
}

std::uint64_t PlannedModel::bytes_per_token() const {
  std::uint64_t n = 0;
  for (const WeightPart& part : parts) n += active(part, part.n_bytes, config);
  return n;
}

double PlannedModel::bits_per_weight() const {
  const auto n = static_cast<double>(n_parameters());
  return n > 0 ? 8.0 * static_cast<double>(dense_bytes() + expert_bytes()) / n : 0;
}

std::uint64_t PlannedModel::kv_bytes_per_token(std::string_view kv_type) const {
  const std::uint64_t n = std::uint64_t{2} * static_cast<unsigned>(config.n_layers) *
                          static_cast<unsigned>(config.kv_size());
  return kv_type == "f16" ? n * 2 : n / 32 * 34;
}

Result<PlannedModel> compute_model(const std::string& name, const ModelConfig& config,
                                   const QuantisationMix& mix) {
  PlannedModel model;
  model.name = name;
  model.mix = mix.name;
  model.source = fmt::format("computed from the tensors' shapes, types by {}", mix.source);
  model.config = config;
  model.config.name = name;
  for (const M2TensorShape& tensor : m2_tensor_shapes(config)) {
    std::uint32_t type_id = kTypeF32;
    if (tensor.group == TensorGroup::kNorms)
      type_id = mix.norm_type_id;
    else if (tensor.group != TensorGroup::kRouter)
      type_id = mix.type_of(tensor, config.n_layers);
    const auto n_bytes = planned_tensor_bytes(tensor, type_id);
    if (!n_bytes) {
      return fail("{}: tensor '{}' has rows of {} elements, which do not divide into blocks of {}",
                  name, tensor.name, tensor.shape.front(), planned_type_name(type_id));
    }
    add_part(tensor.group, type_id, static_cast<std::uint64_t>(tensor.n_elements()), *n_bytes,
             model.parts);
    model.file_bytes += *n_bytes;
  }
  model.problem = problem_of(model.parts);
  return model;
}

Result<PlannedModel> read_planned_model(const ModelFile& file) {
  JEVONS_ASSIGN(ModelConfig config, read_m2_config(file.metadata()));
  PlannedModel model;
  const ModelSummary summary = summarize(file);
  if (summary.config) config = *summary.config;
  model.name = summary.name.empty() ? file.path() : summary.name;
  model.path = file.path();
  model.source = summary.n_shards == 1 ? "header of the file"
                                       : fmt::format("headers of {} files", summary.n_shards);
  model.config = config;
  model.file_bytes = file.n_bytes();
  model.problem = summary.problem;
  for (const GgufTensor* tensor : file.tensors()) {
    add_part(tensor_role(tensor->name).group, tensor->type_id,
             static_cast<std::uint64_t>(tensor->n_elements()), tensor->n_bytes, model.parts);
  }
  if (model.config.vocab_size == 0) {
    const GgufTensor* embedding = file.find_tensor("token_embd.weight");
    if (embedding != nullptr && embedding->shape.size() > 1) {
      model.config.vocab_size = static_cast<int>(embedding->shape[1]);
    }
  }
  model.mix = main_type(model.parts);
  return model;
}

}  // namespace jevons
