// The mixes of tensor types that the usual M2 files have: which type each tensor gets in
// llama.cpp's recipes, in the official FP8 checkpoint and in one published mix. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "weights/m2_tensor_shapes.h"

namespace jevons {

/// Not a GGUF type: the official checkpoint's float8_e4m3fn with an F32 scale for each block of 128
/// by 128 weights.
inline constexpr std::uint32_t kFp8TypeId = 1000;

struct QuantisationMix {
  const char* name;    // "Q4_K_M"
  const char* source;  // where the recipe is from
  /// The type of a tensor that is neither norm nor router. n_layers: of the model.
  std::uint32_t (*type_of)(const M2TensorShape& tensor, int n_layers);
  std::uint32_t norm_type_id;  // of norms; routers are always F32
};

/// From the least bits to the most.
[[nodiscard]] std::span<const QuantisationMix> quantisation_mixes();

/// In any case: "q4_k_m". nullptr if there is none.
[[nodiscard]] const QuantisationMix* find_mix(std::string_view name);

/// "Q4_K", "FP8"
[[nodiscard]] std::string_view planned_type_name(std::uint32_t type_id);

/// Bytes of a tensor of this shape and type, as a file has them. Empty if a row does not divide
/// into blocks of the type, or nobody knows the type.
[[nodiscard]] std::optional<std::uint64_t> planned_tensor_bytes(const M2TensorShape& tensor,
                                                                std::uint32_t type_id);

}  // namespace jevons
