#include "weights/expert_layout.h"

#include <algorithm>

#include "weights/disk_reader.h"

namespace jevons {
namespace {

// Of the buffer that takes any expert's piece.
std::size_t buffer_bytes(const ExpertMatrices& matrices) {
  std::size_t most = 0;
  for (int e = 0; e < matrices.n_experts; ++e) {
    const std::uint64_t offset =
        matrices.place.offset + matrices.expert_stride_bytes * static_cast<std::uint64_t>(e);
    most = std::max(most, direct_bytes(offset, matrices.expert_bytes()));
  }
  return most;
}

}  // namespace

ExpertLayout::ExpertLayout(const M2Weights& weights) : n_experts_(weights.config.n_experts) {
  for (const LayerWeights& layer : weights.layers) {
    Layer& made = layers_.emplace_back();
    std::size_t frame_bytes = 0;
    const std::array<const ExpertMatrices*, kExpertParts> all = {&layer.gate, &layer.up,
                                                                 &layer.down};
    for (std::size_t p = 0; p < kExpertParts; ++p) {
      made.parts[p] = {all[p]->place, all[p]->expert_stride_bytes, all[p]->expert_bytes(),
                       frame_bytes};
      frame_bytes += buffer_bytes(*all[p]);
    }
    const auto known = std::find_if(classes_.begin(), classes_.end(), [&](const FrameClass& c) {
      return c.frame_bytes == frame_bytes;
    });
    made.frame_class = static_cast<int>(known - classes_.begin());
    if (known == classes_.end()) classes_.push_back({frame_bytes, 0});
    ++classes_[static_cast<std::size_t>(made.frame_class)].n_layers;
  }
}

std::array<ExpertPart, kExpertParts> ExpertLayout::parts(int layer, int expert) const {
  std::array<ExpertPart, kExpertParts> parts;
  for (std::size_t p = 0; p < kExpertParts; ++p) {
    const Part& part = layers_[static_cast<std::size_t>(layer)].parts[p];
    const std::uint64_t offset =
        part.first.offset + part.stride * static_cast<std::uint64_t>(expert);
    parts[p] = {{part.first.shard, offset},
                part.n_bytes,
                part.frame_offset,
                part.frame_offset + direct_slack(offset)};
  }
  return parts;
}

std::size_t ExpertLayout::frame_bytes(int layer) const {
  return classes_[static_cast<std::size_t>(frame_class(layer))].frame_bytes;
}

std::size_t ExpertLayout::expert_bytes(int layer) const {
  std::size_t n_bytes = 0;
  for (const Part& part : layers_[static_cast<std::size_t>(layer)].parts) n_bytes += part.n_bytes;
  return n_bytes;
}

}  // namespace jevons
