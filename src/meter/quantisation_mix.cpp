#include "meter/quantisation_mix.h"

#include <algorithm>
#include <cctype>

#include "weights/tensor_types.h"

namespace jevons {
namespace {

// GGUF's type ids (weights/tensor_types.cpp).
enum TypeId : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIq3S = 21,
  kIq2S = 22,
  kIq4Xs = 23,
  kBf16 = 30,
};

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
  if (is_head(tensor)) return kQ6_K;
  if (is_value(tensor)) return kQ4_K;
  return is_attention_output(tensor) || is_down(tensor) ? kQ3_K : kQ2_K;
}

std::uint32_t q3_k_s(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kQ6_K : kQ3_K;
}

std::uint32_t q3_k_m(const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kQ6_K;
  if (is_value(tensor)) return tensor.layer < 2 ? kQ5_K : kQ4_K;
  if (is_attention_output(tensor)) return kQ4_K;
  if (is_down(tensor)) return tensor.layer < n_layers / 16 ? kQ5_K : kQ4_K;
  return kQ3_K;
}

std::uint32_t q3_k_l(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_head(tensor)) return kQ6_K;
  return is_value(tensor) || is_attention_output(tensor) || is_down(tensor) ? kQ5_K : kQ3_K;
}

std::uint32_t iq4_xs(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_head(tensor)) return kQ6_K;
  return is_value(tensor) ? kQ5_K : kIq4Xs;
}

std::uint32_t q4_k_s(const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kQ6_K;
  if (is_value(tensor)) return tensor.layer < 4 ? kQ5_K : kQ4_K;
  return is_down(tensor) && tensor.layer < n_layers / 8 ? kQ5_K : kQ4_K;
}

std::uint32_t medium(std::uint32_t base, const M2TensorShape& tensor, int n_layers) {
  if (is_head(tensor)) return kQ6_K;
  const bool may = is_value(tensor) || is_down(tensor);
  return may && takes_more_bits(tensor.layer, n_layers) ? std::uint32_t{kQ6_K} : base;
}
std::uint32_t q4_k_m(const M2TensorShape& tensor, int n_layers) {
  return medium(kQ4_K, tensor, n_layers);
}
std::uint32_t q5_k_m(const M2TensorShape& tensor, int n_layers) {
  return medium(kQ5_K, tensor, n_layers);
}

std::uint32_t q5_k_s(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kQ6_K : kQ5_K;
}

std::uint32_t q4_0(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) ? kQ6_K : kQ4_0;
}

std::uint32_t q6_k(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kQ6_K; }
std::uint32_t q8_0(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kQ8_0; }
std::uint32_t bf16(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kBf16; }
std::uint32_t f16(const M2TensorShape& /*tensor*/, int /*n_layers*/) { return kF16; }

std::uint32_t fp8(const M2TensorShape& tensor, int /*n_layers*/) {
  return is_head(tensor) || tensor.group == TensorGroup::kEmbedding ? std::uint32_t{kBf16}
                                                                    : kFp8TypeId;
}

// Of the 436 matrices of a published file, a load log counts 250 in Q6_K, 62 in IQ3_S and 124 in
// IQ2_S: attention, embedding and head; down; gate and up.
std::uint32_t ud_iq3_s(const M2TensorShape& tensor, int /*n_layers*/) {
  if (is_down(tensor)) return kIq3S;
  return is_expert_group(tensor.group) ? kIq2S : kQ6_K;
}

constexpr const char* kRecipe = "llama.cpp (llama_tensor_get_type)";

constexpr QuantisationMix kMixes[] = {
    {"Q2_K", kRecipe, q2_k, kF32},
    {"UD-IQ3_S", "unsloth, an M2.7 file's load log", ud_iq3_s, kF32},
    {"Q3_K_S", kRecipe, q3_k_s, kF32},
    {"Q3_K_M", kRecipe, q3_k_m, kF32},
    {"Q3_K_L", kRecipe, q3_k_l, kF32},
    {"IQ4_XS", "llama.cpp with an importance matrix", iq4_xs, kF32},
    {"Q4_0", kRecipe, q4_0, kF32},
    {"Q4_K_S", kRecipe, q4_k_s, kF32},
    {"Q4_K_M", kRecipe, q4_k_m, kF32},
    {"Q5_K_S", kRecipe, q5_k_s, kF32},
    {"Q5_K_M", kRecipe, q5_k_m, kF32},
    {"Q6_K", kRecipe, q6_k, kF32},
    {"FP8", "MiniMax, quantization_config", fp8, kBf16},
    {"Q8_0", kRecipe, q8_0, kF32},
    {"BF16", kRecipe, bf16, kF32},
    {"F16", kRecipe, f16, kF32},
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
