// What each tensor of an M2 file is for, by its name. Any thread may call.
#pragma once

#include <cstdint>
#include <string_view>

namespace jevons {

enum class TensorGroup : std::uint8_t {
  kEmbedding,
  kAttention,
  kRouter,
  kNorms,
  kExpertGate,
  kExpertUp,
  kExpertGateUp,  // both in one tensor
  kExpertDown,
  kHead,
  kOther,  // the network does not read it
};
inline constexpr TensorGroup kAllTensorGroups[] = {
    TensorGroup::kEmbedding,    TensorGroup::kAttention,  TensorGroup::kRouter,
    TensorGroup::kNorms,        TensorGroup::kExpertGate, TensorGroup::kExpertUp,
    TensorGroup::kExpertGateUp, TensorGroup::kExpertDown, TensorGroup::kHead,
    TensorGroup::kOther};

/// `layer` is -1 for tensors outside the layers and for kOther.
struct TensorRole {
  TensorGroup group;
  int layer;
};
[[nodiscard]] TensorRole tensor_role(std::string_view name);

/// "expert gate"
[[nodiscard]] const char* tensor_group_name(TensorGroup group);
/// Whether a token reads only some of the group's experts.
[[nodiscard]] bool is_expert_group(TensorGroup group);

}  // namespace jevons
