#include "meter/quantisation_mix.h"

#include <algorithm>
#include <cctype>

#include "weights/tensor_types.h"

namespace jevons {
namespace {

bool ends_with(const M2TensorShape& tensor, std::string_view end) {
  return tensor.name.ends_with(end);
}
bool is_value(const M2TensorShape& tensor) { return ends_with(tensor, "attn_v.weight"); }
bool is_attention_output(const M2TensorShape& tensor) {
  return ends_with(tensor, "attn_output.weight");
}
bool is_down(const M2TensorShape& tensor) { return tensor.group == TensorGroup::kExpertDown; }
bool is_head(const M2TensorShape& tensor) { return tensor.group == TensorGroup::kHead; }

// llama.cpp's use_more_bits: the first and last eighth of the layers, and each third between.
bool takes_more_bits(int layer, int n_layers) {
  const int eighth = n_layers / 8;
  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

std::uint32_t q2_k(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_head(tensor)) return kTypeQ6_K;
  if (is_value(tensor)) return kTypeQ4_K;
  return is_attention_output(tensor) || is_down(tensor) ? kTypeQ3_K : kTypeQ2_K;
}

std::uint32_t q3_k_s(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kTypeQ6_K : kTypeQ3_K;
}

std::uint32_t q3_k_m(const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kTypeQ6_K;
  if (is_value(tensor)) return tensor.layer < 2 ? kTypeQ5_K : kTypeQ4_K;
  if (is_attention_output(tensor)) return kTypeQ4_K;
  if (is_down(tensor)) return tensor.layer < n_layers / 16 ? kTypeQ5_K : kTypeQ4_K;
  return kTypeQ3_K;
}

std::uint32_t q3_k_l(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_head(tensor)) return kTypeQ6_K;
  return is_value(tensor) || is_attention_output(tensor) || is_down(tensor) ? kTypeQ5_K : kTypeQ3_K;
}

std::uint32_t iq4_xs(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_head(tensor)) return kTypeQ6_K;
  return is_value(tensor) ? kTypeQ5_K : kTypeIq4Xs;
}

std::uint32_t q4_k_s(const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kTypeQ6_K;
  if (is_value(tensor)) return tensor.layer < 4 ? kTypeQ5_K : kTypeQ4_K;
  return is_down(tensor) && tensor.layer < n_layers / 8 ? kTypeQ5_K : kTypeQ4_K;
}

std::uint32_t medium(std::uint32_t base, const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kTypeQ6_K;
  const bool may = is_value(tensor) || is_down(tensor);
  return may && takes_more_bits(tensor.layer, n_layers) ? std::uint32_t{kTypeQ6_K} : base;
}
std::uint32_t q4_k_m(const M2TensorShape& tensor, int n_layers) {
  return medium(kTypeQ4_K, tensor, n_layers);
}
std::uint32_t q5_k_m(const M2TensorShape& tensor, int n_layers) {
  return medium(kTypeQ5_K, tensor, n_layers);
}

std::uint32_t q5_k_s(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kTypeQ6_K : kTypeQ5_K;
}

std::uint32_t q4_0(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kTypeQ6_K : kTypeQ4_0;
}

std::uint32_t q6_k(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kTypeQ6_K; }
std::uint32_t q8_0(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kTypeQ8_0; }
std::uint32_t bf16(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kTypeBf16; }
std::uint32_t f16(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kTypeF16; }

std::uint32_t fp8(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) || tensor.group == TensorGroup::kEmbedding ? std::uint32_t{kTypeBf16}
                                                                    : kFp8TypeId;
}

// Of the 436 matrices of a published file, a load log counts 250 in Q6_K, 62 in IQ3_S and 124 in
// IQ2_S: attention, embedding and head; down; gate and up.
std::uint32_t ud_iq3_s(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_down(tensor)) return kTypeIq3S;
  return is_expert_group(tensor.group) ? kTypeIq2S : kTypeQ6_K;
}

constexpr const char* kRecipe = "llama.cpp (llama_tensor_get_type)";

constexpr QuantisationMix kMixes[] = {
    {"Q2_K", kRecipe, q2_k, kTypeF32},
    {"UD-IQ3_S", "unsloth, an M2.7 file's load log", ud_iq3_s, kTypeF32},
    {"Q3_K_S", kRecipe, q3_k_s, kTypeF32},
    {"Q3_K_M", kRecipe, q3_k_m, kTypeF32},
    {"Q3_K_L", kRecipe, q3_k_l, kTypeF32},
    {"IQ4_XS", "llama.cpp with an importance matrix", iq4_xs, kTypeF32},
    {"Q4_0", kRecipe, q4_0, kTypeF32},
    {"Q4_K_S", kRecipe, q4_k_s, kTypeF32},
    {"Q4_K_M", kRecipe, q4_k_m, kTypeF32},
    {"Q5_K_S", kRecipe, q5_k_s, kTypeF32},
    {"Q5_K_M", kRecipe, q5_k_m, kTypeF32},
    {"Q6_K", kRecipe, q6_k, kTypeF32},
    {"FP8", "MiniMax, quantization_config", fp8, kTypeBf16},
    {"Q8_0", kRecipe, q8_0, kTypeF32},
    {"BF16", kRecipe, bf16, kTypeF32},
    {"F16", kRecipe, f16, kTypeF32},
};

}  // namespace

std::span<const QuantisationMix> quantisation_mixes() { return kMixes; }

const QuantisationMix* find_mix(std::string_view name) {
  const auto same_letter = [](char a, char b) {
    return std::toupper(static_cast<unsigned char>(a)) ==
           std::toupper(static_cast<unsigned char>(b));
  };
  for (const QuantisationMix& mix : kMixes) {
    const std::string_view known = mix.name;
    if (std::equal(known.begin(), known.end(), name.begin(), name.end(), same_letter)) return &mix;
  }
  return nullptr;
}

std::string_view planned_type_name(std::uint32_t type_id) {
  if (type_id == kFp8TypeId) return "FP8";
  const TensorTypeFacts* facts = tensor_type_facts(type_id);
  return facts != nullptr ? facts->name : "unknown";
}

std::optional<std::uint64_t> planned_tensor_bytes(const M2TensorShape& tensor,
                                                  std::uint32_t type_id) {
  const auto columns = static_cast<std::uint64_t>(tensor.shape.front());
  const auto rows = static_cast<std::uint64_t>(tensor.n_elements()) / columns;
  if (type_id == kFp8TypeId) {
    constexpr std::uint64_t kSide = 128;
    // Experts are matrices of their own: their rows divide into blocks one by one.
    const std::uint64_t n =
        tensor.shape.size() > 2 ? static_cast<std::uint64_t>(tensor.shape[2]) : 1;
    const std::uint64_t n_scales =
        n * ((columns + kSide - 1) / kSide) * ((rows / n + kSide - 1) / kSide);
    return columns * rows + n_scales * sizeof(float);
  }
  const TensorTypeFacts* facts = tensor_type_facts(type_id);
  if (facts == nullptr) return std::nullopt;
  const auto block = static_cast<std::uint64_t>(facts->block_elements);
  if (columns % block != 0) return std::nullopt;
  const std::uint64_t row_bytes = columns / block * static_cast<std::uint64_t>(facts->block_bytes) +
                                  static_cast<std::uint64_t>(facts->row_extra_bytes);
  return rows * row_bytes;
}

}  // namespace jevons
