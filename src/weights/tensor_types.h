// Every tensor type that a GGUF file may name: those that can be computed with, and those that are
// only known well enough to be measured, shown and refused by name. Constant; any thread may call.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kernels/block_formats.h"

namespace jevons {

/// The ids that are named in the program, as GGUF has them; tensor_type_facts() knows all.
enum TensorTypeId : std::uint32_t {
  kTypeF32 = 0,
  kTypeF16 = 1,
  kTypeQ4_0 = 2,
  kTypeQ8_0 = 8,
  kTypeQ2_K = 10,
  kTypeQ3_K = 11,
  kTypeQ4_K = 12,
  kTypeQ5_K = 13,
  kTypeQ6_K = 14,
  kTypeIq4Nl = 20,
  kTypeIq3S = 21,
  kTypeIq2S = 22,
  kTypeIq4Xs = 23,
  kTypeBf16 = 30,
};

/// Names and sizes as in ggml and, from id 133 on, in ik_llama.cpp (ggml-common.h).
struct TensorTypeFacts {
  std::uint32_t id;
  const char* name;    // as GGUF tools spell it: "IQ3_XXS"
  int block_elements;  // a row's length must be a multiple of this
  int block_bytes;
  int row_extra_bytes;  // some types of ik_llama.cpp keep a scale in front of each row
};

/// nullptr for an id that no known program writes.
[[nodiscard]] const TensorTypeFacts* tensor_type_facts(std::uint32_t type_id);

/// The format to compute with; empty if there are no kernels for this type.
[[nodiscard]] std::optional<kernels::WeightFormat> weight_format(std::uint32_t type_id);

/// "Q4_K", or "type 77" for an unknown id.
[[nodiscard]] std::string tensor_type_name(std::uint32_t type_id);

/// The format of a spelling as GGUF tools or our flags have it, in any case: "q4_k", "BF16".
[[nodiscard]] std::optional<kernels::WeightFormat> parse_weight_format(std::string_view name);

/// "F32, F16, Q4_0, ...": for messages.
[[nodiscard]] std::string computable_format_names();

}  // namespace jevons
