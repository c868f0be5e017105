#include "weights/model_summary.h"

#include <algorithm>
#include <tuple>

#include "weights/m2_config.h"
#include "weights/m2_weights.h"
#include "weights/tensor_types.h"

namespace jevons {
namespace {

void count_tensor(const GgufTensor& tensor, ModelSummary::Group& group) {
  const std::string type = tensor_type_name(tensor.type_id);
  auto place = std::find_if(group.types.begin(), group.types.end(),
                            [&](const auto& known) { return known.type == type; });
  if (place == group.types.end()) place = group.types.insert(place, {type, 0, 0});
  ++place->n_tensors;
  place->n_bytes += tensor.n_bytes;
  ++group.n_tensors;
  group.n_parameters += static_cast<std::uint64_t>(tensor.n_elements());
  group.n_bytes += tensor.n_bytes;
}

std::vector<ModelSummary::Group> group_tensors(const ModelFile& file) {
  std::vector<ModelSummary::Group> groups;
  for (const TensorGroup kind : kAllTensorGroups) {
    ModelSummary::Group group{};
    group.group = kind;
    for (const GgufTensor* tensor : file.tensors()) {
      if (tensor_role(tensor->name).group == kind) count_tensor(*tensor, group);
    }
    if (group.n_tensors == 0) continue;
    std::sort(group.types.begin(), group.types.end(), [](const auto& a, const auto& b) {
      return std::tie(b.n_bytes, a.type) < std::tie(a.n_bytes, b.type);
    });
    groups.push_back(std::move(group));
  }
  return groups;
}

/// The part of `whole` that one token reads of a group.
std::uint64_t active_part(TensorGroup group, std::uint64_t whole, const ModelConfig& config,
                          std::uint64_t n_embedding_rows) {
  if (group == TensorGroup::kOther) return 0;
  if (group == TensorGroup::kEmbedding) return whole / n_embedding_rows;
  if (!is_expert_group(group)) return whole;
  return whole / static_cast<std::uint64_t>(config.n_experts) *
         static_cast<std::uint64_t>(config.n_experts_used);
}

void count_active(const ModelFile& file, const ModelConfig& config, ModelSummary& summary) {
  const GgufTensor* embedding = file.find_tensor("token_embd.weight");
  const std::uint64_t n_rows = embedding == nullptr || embedding->shape.size() < 2
                                   ? 1
                                   : static_cast<std::uint64_t>(embedding->shape[1]);
  for (const ModelSummary::Group& group : summary.groups) {
    summary.n_active_parameters += active_part(group.group, group.n_parameters, config, n_rows);
    summary.bytes_per_token += active_part(group.group, group.n_bytes, config, n_rows);
  }
  if (embedding != nullptr && file.find_tensor("output.weight") == nullptr) {
    // Without a head of its own, every token also reads the whole embedding as its head.
    summary.n_active_parameters += static_cast<std::uint64_t>(embedding->n_elements());
    summary.bytes_per_token += embedding->n_bytes;
  }
  const std::uint64_t n_kv_elements = std::uint64_t{2} * static_cast<unsigned>(config.n_layers) *
                                      static_cast<unsigned>(config.kv_size());
  summary.kv_bytes_per_token_f16 = n_kv_elements * 2;
  summary.kv_bytes_per_token_q8_0 = n_kv_elements / 32 * 34;
}

}  // namespace

ModelSummary summarize(const ModelFile& file) {
  const GgufFile& metadata = file.metadata();
  ModelSummary summary;
  summary.architecture = printable(metadata.get_string("general.architecture").value_or("unknown"));
  summary.name = printable(metadata.get_string("general.name").value_or(""));
  summary.gguf_version = metadata.version();
  summary.n_shards = file.shards().size();
  summary.file_bytes = file.n_bytes();
  summary.n_tensors = static_cast<int>(file.tensors().size());
  summary.groups = group_tensors(file);
  for (const ModelSummary::Group& group : summary.groups) {
    summary.n_parameters += group.n_parameters;
  }
  for (const GgufTensor* tensor : file.tensors()) {
    const bool is_extra = tensor_role(tensor->name).group == TensorGroup::kOther;
    if (!is_extra && weight_format(tensor->type_id)) continue;
    (is_extra ? summary.extra : summary.unsupported)
        .push_back({printable(tensor->name), tensor_type_name(tensor->type_id)});
  }
  if (auto config = read_m2_config(metadata)) {
    summary.config = std::move(*config);
    count_active(file, *summary.config, summary);
  }
  const auto weights = M2Weights::bind(file);
  if (!weights) {
    summary.problem = weights.error().message;
  } else {
    summary.config = weights->config;
  }
  return summary;
}

}  // namespace jevons
