#include "weights/tensor_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>

namespace jevons {
namespace {

using kernels::WeightFormat;

// Sorted by id. The ids up to 39 are ggml's; ik_llama.cpp adds 133 and above, where the ids over
// 200 are rows interleaved by four or eight, of the same size as their plain twins.
constexpr TensorTypeFacts kTypes[] = {
    {0, "F32", 1, 4, 0},
    {1, "F16", 1, 2, 0},
    {2, "Q4_0", 32, 18, 0},
    {3, "Q4_1", 32, 20, 0},
    {6, "Q5_0", 32, 22, 0},
    {7, "Q5_1", 32, 24, 0},
    {8, "Q8_0", 32, 34, 0},
    {9, "Q8_1", 32, 36, 0},
    {10, "Q2_K", 256, 84, 0},
    {11, "Q3_K", 256, 110, 0},
    {12, "Q4_K", 256, 144, 0},
    {13, "Q5_K", 256, 176, 0},
    {14, "Q6_K", 256, 210, 0},
    {15, "Q8_K", 256, 292, 0},
    {16, "IQ2_XXS", 256, 66, 0},
    {17, "IQ2_XS", 256, 74, 0},
    {18, "IQ3_XXS", 256, 98, 0},
    {19, "IQ1_S", 256, 50, 0},
    {20, "IQ4_NL", 32, 18, 0},
    {21, "IQ3_S", 256, 110, 0},
    {22, "IQ2_S", 256, 82, 0},
    {23, "IQ4_XS", 256, 136, 0},
    {24, "I8", 1, 1, 0},
    {25, "I16", 1, 2, 0},
    {26, "I32", 1, 4, 0},
    {27, "I64", 1, 8, 0},
    {28, "F64", 1, 8, 0},
    {29, "IQ1_M", 256, 56, 0},
    {30, "BF16", 1, 2, 0},
    {34, "TQ1_0", 256, 54, 0},
    {35, "TQ2_0", 256, 66, 0},
    {39, "MXFP4", 32, 17, 0},
    {133, "Q6_0", 32, 26, 0},
    {137, "IQ2_K", 256, 76, 0},
    {138, "IQ3_K", 256, 110, 0},
    {139, "IQ4_K", 256, 144, 0},
    {140, "IQ5_K", 256, 176, 0},
    {141, "IQ6_K", 256, 212, 0},
    {144, "IQ4_KS", 256, 136, 4},
    {145, "IQ2_KS", 256, 70, 2},
    {146, "IQ4_KSS", 256, 128, 4},
    {152, "IQ5_KS", 256, 168, 4},
    {153, "IQ2_KT", 256, 68, 4},
    {154, "IQ3_KT", 256, 100, 4},
    {155, "IQ4_KT", 256, 128, 4},
    {156, "IQ3_KS", 256, 102, 2},
    {157, "IQ2_KL", 256, 86, 2},
    {158, "IQ1_KT", 256, 56, 4},
    {202, "Q4_0_R8", 32, 18, 0},
    {206, "Q5_0_R4", 32, 22, 0},
    {208, "Q8_0_R8", 32, 34, 0},
    {210, "Q2_K_R4", 256, 84, 0},
    {211, "Q3_K_R4", 256, 110, 0},
    {212, "Q4_K_R4", 256, 144, 0},
    {213, "Q5_K_R4", 256, 176, 0},
    {214, "Q6_K_R4", 256, 210, 0},
    {216, "IQ2_XXS_R4", 256, 66, 0},
    {217, "IQ2_XS_R4", 256, 74, 0},
    {218, "IQ3_XXS_R4", 256, 98, 0},
    {219, "IQ1_S_R4", 32, 6, 2},
    {220, "IQ4_NL_R4", 32, 18, 0},
    {221, "IQ3_S_R4", 256, 110, 0},
    {222, "IQ2_S_R4", 256, 82, 0},
    {223, "IQ4_XS_R8", 256, 136, 0},
    {229, "IQ1_M_R4", 32, 7, 2},
    {230, "BF16_R16", 1, 2, 0},
    {233, "Q6_0_R4", 32, 26, 0},
    {337, "IQ2_K_R4", 256, 76, 0},
    {338, "IQ3_K_R4", 256, 110, 0},
    {339, "IQ4_K_R4", 256, 144, 0},
    {340, "IQ5_K_R4", 256, 176, 0},
    {344, "IQ4_KS_R4", 256, 136, 4},
    {352, "IQ5_KS_R4", 256, 168, 4},
};

constexpr bool sorted_and_agreeing() {
  for (std::size_t i = 1; i < std::size(kTypes); ++i) {
    if (kTypes[i - 1].id >= kTypes[i].id) return false;
  }
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    bool found = false;
    for (const TensorTypeFacts& type : kTypes) {
      if (type.id != static_cast<std::uint32_t>(format)) continue;
      const kernels::FormatFacts facts = kernels::facts(format);
      found = type.block_elements == facts.block_elements && type.block_bytes == facts.block_bytes;
    }
    if (!found) return false;
  }
  return true;
}
static_assert(sorted_and_agreeing());

}  // namespace

const TensorTypeFacts* tensor_type_facts(std::uint32_t type_id) {
  const auto* type =
      std::lower_bound(std::begin(kTypes), std::end(kTypes), type_id,
                       [](const TensorTypeFacts& t, std::uint32_t id) { return t.id < id; });
  return type != std::end(kTypes) && type->id == type_id ? type : nullptr;
}

std::optional<WeightFormat> weight_format(std::uint32_t type_id) {
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    if (static_cast<std::uint32_t>(format) == type_id) return format;
  }
  return std::nullopt;
}

std::string tensor_type_name(std::uint32_t type_id) {
  const TensorTypeFacts* type = tensor_type_facts(type_id);
  return type != nullptr ? type->name : fmt::format("type {}", type_id);
}

std::optional<WeightFormat> parse_weight_format(std::string_view name) {
  const auto same_letter = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    const std::string_view known = kernels::facts(format).name;
    if (std::equal(known.begin(), known.end(), name.begin(), name.end(), same_letter)) {
      return format;
    }
  }
  return std::nullopt;
}

std::string computable_format_names() {
  std::string names;
  for (const WeightFormat format : kernels::kAllWeightFormats) {
    if (!names.empty()) names += ", ";
    names += kernels::facts(format).name;
  }
  return names;
}

}  // namespace jevons
