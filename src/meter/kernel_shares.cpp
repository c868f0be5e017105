#include "meter/kernel_shares.h"

#include <array>
#include <cmath>

#include "weights/tensor_types.h"

namespace jevons {
namespace {

constexpr std::array<double, 5> kTokens = {1, 4, 16, 64, 256};

struct Shares {
  std::uint32_t type_id;
  std::array<double, kTokens.size()> at;
};

// docs/PERFORMANCE.md, "The AVX2 kernels again": Zen 3, of the peak for 4 tokens and more. One
// token is given there as a share of one thread's bandwidth, 20.2 GB/s; with the peak of 290 GOP/s
// that stands behind the others, 18 GB/s of Q4_K are 64 GOP/s. Those above 85 % of the bandwidth
// waited for memory: theirs is a lower bound.
constexpr Shares kAvx2[] = {
    {kTypeQ4_0, {0.156, 0.29, 0.46, 0.54, 0.51}}, {kTypeQ8_0, {0.129, 0.18, 0.31, 0.33, 0.33}},
    {kTypeQ2_K, {0.229, 0.33, 0.52, 0.57, 0.57}}, {kTypeQ3_K, {0.143, 0.23, 0.50, 0.57, 0.56}},
    {kTypeQ4_K, {0.220, 0.29, 0.52, 0.63, 0.64}}, {kTypeQ5_K, {0.158, 0.24, 0.47, 0.58, 0.58}},
    {kTypeQ6_K, {0.134, 0.19, 0.41, 0.45, 0.50}}, {kTypeIq4Xs, {0.144, 0.24, 0.33, 0.37, 0.35}},
};

// docs/PERFORMANCE.md, "Kernels": Zen 5, one token (of 41 GB/s; the peak about 0.95 Tops) and 64
// and 256 tokens; all of one token waited for memory. 4 and 16 tokens lie between as on AVX2. Q2_K,
// Q3_K, Q4_0 and IQ4_XS were not measured: Q2_K and Q3_K as Q4_K and Q5_K, the others as Q8_0, but
// of one token what they are to Q4_K on AVX2.
constexpr Shares kAvx512[] = {
    {kTypeQ4_0, {0.100, 0.16, 0.40, 0.52, 0.65}}, {kTypeQ8_0, {0.065, 0.15, 0.40, 0.52, 0.65}},
    {kTypeQ2_K, {0.140, 0.25, 0.55, 0.71, 0.72}}, {kTypeQ3_K, {0.110, 0.22, 0.52, 0.68, 0.73}},
    {kTypeQ4_K, {0.140, 0.25, 0.55, 0.71, 0.72}}, {kTypeQ5_K, {0.110, 0.22, 0.52, 0.68, 0.73}},
    {kTypeQ6_K, {0.096, 0.18, 0.42, 0.53, 0.62}}, {kTypeIq4Xs, {0.092, 0.16, 0.40, 0.52, 0.65}},
};

// Of the AVX2 shares, with AVX-VNNI. By counting instructions, not measured: a product of a panel
// takes 1.4 of them instead of 2.25, one of a row 4 instead of 5, and the peak, against which both
// are held, 1 instead of 2.25.
constexpr std::array<double, kTokens.size()> kOfAvx2WithVnni = {0.56, 0.7, 0.7, 0.7, 0.7};

// Routers, in prompts of 512 (docs/PLAN.md). BF16 and F16 weights were not measured apart.
constexpr double kFloatShare = 0.35;

std::uint32_t nearest_type(std::uint32_t type_id) {
  switch (type_id) {
    case kTypeQ4_0:
    case kTypeQ8_0:
    case kTypeQ2_K:
    case kTypeQ3_K:
    case kTypeQ4_K:
    case kTypeQ5_K:
    case kTypeQ6_K:
    case kTypeIq4Xs:
      return type_id;
    case kTypeIq4Nl:
      return kTypeIq4Xs;
    default:
      return type_id < kTypeQ8_0 ? kTypeQ4_0 : kTypeQ5_K;
  }
}

}  // namespace

bool is_float_type(std::uint32_t type_id) {
  return type_id == kTypeF32 || type_id == kTypeF16 || type_id == kTypeBf16;
}

double kernel_share(std::uint32_t type_id, double n_tokens, std::string_view kernels) {
  if (is_float_type(type_id)) return kFloatShare;
  if (kernels == "scalar") return 1;
  const std::uint32_t wanted = nearest_type(type_id);
  const Shares* shares = nullptr;
  for (const Shares& one : kernels == "avx512" ? kAvx512 : kAvx2) {
    if (one.type_id == wanted) shares = &one;
  }
  const auto share_at = [&](std::size_t i) {
    return kernels == "avxvnni" ? kOfAvx2WithVnni[i] * shares->at[i] : shares->at[i];
  };
  if (n_tokens <= kTokens.front()) return share_at(0);
  for (std::size_t i = 1; i < kTokens.size(); ++i) {
    if (n_tokens > kTokens[i]) continue;
    const double part = std::log(n_tokens / kTokens[i - 1]) / std::log(kTokens[i] / kTokens[i - 1]);
    return share_at(i - 1) + part * (share_at(i) - share_at(i - 1));
  }
  return share_at(kTokens.size() - 1);
}

double attention_share(bool is_prompt) {
  // docs/PLAN.md: `jevons bench --breakdown` of 3 and 4 real layers after 4,096 tokens, AVX2.
  return is_prompt ? 0.54 : 0.39;
}

}  // namespace jevons
