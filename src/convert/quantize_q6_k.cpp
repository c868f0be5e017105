#include <algorithm>
#include <cmath>
#include <cstring>

#include "convert/block_quantizer.h"
#include "convert/weighted_sums.h"
#include "kernels/float_formats.h"

namespace jevons {
namespace {

using kernels::f16_to_float;
using kernels::float_to_f16;

constexpr int kSub = 16;  // elements that share a scale
constexpr int kSubs = 16;

float round_quants(const float* x, const float* weights, float scale, float* quants) {
  const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
  Floats error{};
  for (int i = 0; i < kSub; i += kLanes) {
    const Floats q = clamp(nearest(load(x + i) * inverse), -32.0f, 31.0f);
    const Floats difference = load(x + i) - scale * q;
    store(quants + i, q);
    error += load(weights + i) * difference * difference;
  }
  return sum(error);
}

/// The scale that is best for given quants.
float solve(const float* x, const float* weights, const float* quants) {
  Floats sum_xq{};
  Floats sum_qq{};
  for (int i = 0; i < kSub; i += kLanes) {
    const Floats q = load(quants + i);
    const Floats weighted = load(weights + i) * q;
    sum_xq += weighted * load(x + i);
    sum_qq += weighted * q;
  }
  const float qq = sum(sum_qq);
  return qq > 0.0f ? sum(sum_xq) / qq : 0.0f;
}

/// The best scale of one sub-block on its own; the largest value may take the longer, negative end.
float fit_sub_block(const float* x, const float* weights) {
  const float largest =
      *std::max_element(x, x + kSub, [](float a, float b) { return std::fabs(a) < std::fabs(b); });
  if (largest == 0.0f) return 0.0f;
  float quants[kSub];
  float best = largest / -32.0f;
  float best_error = round_quants(x, weights, best, quants);
  for (int step = -4; step <= 8; ++step) {
    for (const float sign : {-1.0f, 1.0f}) {
      const float guess = largest / (sign * (31.5f + 0.25f * static_cast<float>(step)));
      round_quants(x, weights, guess, quants);
      const float solved = solve(x, weights, quants);
      const float error = round_quants(x, weights, solved, quants);
      if (error < best_error) {
        best = solved;
        best_error = error;
      }
    }
  }
  return best;
}

void pack(const float* quants, kernels::BlockQ6_K& block) {
  for (int half = 0; half < 2; ++half) {
    for (int i = 0; i < 32; ++i) {
      unsigned q[4];
      for (int group = 0; group < 4; ++group) {
        q[group] =
            static_cast<unsigned>(static_cast<int>(quants[128 * half + 32 * group + i]) + 32);
      }
      std::uint8_t* low = block.low_bits + 64 * half;
      low[i] = static_cast<std::uint8_t>((q[0] & 15) | (q[2] & 15) << 4);
      low[i + 32] = static_cast<std::uint8_t>((q[1] & 15) | (q[3] & 15) << 4);
      block.high_bits[32 * half + i] = static_cast<std::uint8_t>(
          q[0] >> 4 | (q[1] >> 4) << 2 | (q[2] >> 4) << 4 | (q[3] >> 4) << 6);
    }
  }
}

}  // namespace

void quantize_block(const float* x, kernels::BlockQ6_K& block) {
  float weights[kSubs * kSub];
  error_weights(x, kSubs * kSub, weights);
  float scales[kSubs];
  float largest = 0.0f;
  for (int sub = 0; sub < kSubs; ++sub) {
    scales[sub] = fit_sub_block(x + sub * kSub, weights + sub * kSub);
    if (std::fabs(scales[sub]) > std::fabs(largest)) largest = scales[sub];
  }
  // The largest scale becomes -128, the end of int8 that reaches farther.
  block.scale = float_to_f16(largest / -128.0f);
  const float unit = f16_to_float(block.scale);
  float quants[kSubs * kSub];
  for (int sub = 0; sub < kSubs; ++sub) {
    const float* values = x + sub * kSub;
    const int middle =
        unit != 0.0f ? static_cast<int>(clamp(nearest(scales[sub] / unit), -128.0f, 127.0f)) : 0;
    float tried[kSub];
    float best = INFINITY;
    for (int s = std::max(-128, middle - 1); s <= std::min(127, middle + 1); ++s) {
      const float error =
          round_quants(values, weights + sub * kSub, unit * static_cast<float>(s), tried);
      if (!(error < best)) continue;
      best = error;
      block.scales[sub] = static_cast<std::int8_t>(s);
      std::copy(tried, tried + kSub, quants + sub * kSub);
    }
  }
  pack(quants, block);
}

}  // namespace jevons
