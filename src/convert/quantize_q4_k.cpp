#include <algorithm>
#include <cmath>
#include <cstring>

#include "convert/block_quantizer.h"
#include "convert/scale_packing.h"
#include "convert/weighted_sums.h"
#include "kernels/float_formats.h"

namespace jevons {
namespace {

using kernels::f16_to_float;
using kernels::float_to_f16;

constexpr int kSub = 32;  // elements that share a scale and a minimum
constexpr int kSubs = 8;  // in a block
constexpr float kMaxQuant = 15.0f;
constexpr float kMaxScale = 63.0f;  // of the 6-bit scales and minimums

/// x ~ scale * q - minimum, q in 0..15; neither is negative.
struct Fit {
  float scale, minimum;
};

/// Quants for the fit, and the weighted error that they leave.
float round_quants(const float* x, const float* weights, Fit fit, float* quants) {
  const float inverse = fit.scale > 0.0f ? 1.0f / fit.scale : 0.0f;
  Floats error{};
  for (int i = 0; i < kSub; i += kLanes) {
    const Floats raised = load(x + i) + fit.minimum;
    const Floats q = clamp(nearest(raised * inverse), 0.0f, kMaxQuant);
    const Floats difference = raised - fit.scale * q;
    store(quants + i, q);
    error += load(weights + i) * difference * difference;
  }
  return sum(error);
}

/// What does not depend on the quants.
struct Moments {
  float w, wx;
};

/// The fit that is best for given quants.
Fit solve(const float* x, const float* weights, const float* quants, const Moments& moments) {
  Floats sum_q{};
  Floats sum_qq{};
  Floats sum_xq{};
  for (int i = 0; i < kSub; i += kLanes) {
    const Floats q = load(quants + i);
    const Floats weighted = load(weights + i) * q;
    sum_q += weighted;
    sum_qq += weighted * q;
    sum_xq += weighted * load(x + i);
  }
  const float q = sum(sum_q);
  const float qq = sum(sum_qq);
  const float xq = sum(sum_xq);
  const float determinant = moments.w * qq - q * q;
  if (determinant > 0.0f) {
    const float scale = (moments.w * xq - moments.wx * q) / determinant;
    const float minimum = (q * xq - qq * moments.wx) / determinant;
    if (minimum >= 0.0f && scale >= 0.0f) return {scale, minimum};
  }
  return {qq > 0.0f ? std::max(0.0f, xq / qq) : 0.0f, 0.0f};
}

/// The best fit of one sub-block on its own, from several guesses of how much to cut off its range.
Fit fit_sub_block(const float* x, const float* weights) {
  const auto [least, most] = std::minmax_element(x, x + kSub);
  const float low = std::min(*least, 0.0f);
  const float range = *most - low;
  if (!(range > 0.0f)) return {0.0f, -low};
  Floats sum_w{};
  Floats sum_wx{};
  for (int i = 0; i < kSub; i += kLanes) {
    sum_w += load(weights + i);
    sum_wx += load(weights + i) * load(x + i);
  }
  const Moments moments{sum(sum_w), sum(sum_wx)};
  float quants[kSub];
  Fit best{range / kMaxQuant, -low};
  float best_error = round_quants(x, weights, best, quants);
  const Fit first = best;
  for (int step = -6; step <= 8; ++step) {
    const Fit guess{range / (kMaxQuant + 0.3f * static_cast<float>(step)), first.minimum};
    round_quants(x, weights, guess, quants);
    // Solving for the quants, rounding for the solution, and once more: the error only falls.
    const Fit solved = solve(x, weights, quants, moments);
    const float error = round_quants(x, weights, solved, quants);
    if (error < best_error) {
      best = solved;
      best_error = error;
    }
  }
  round_quants(x, weights, best, quants);
  const Fit again = solve(x, weights, quants, moments);
  return round_quants(x, weights, again, quants) < best_error ? again : best;
}

/// The state of a block whose scales are rounded.
struct Rounded {
  float scale, minimum;  // as f16 holds them
  int scales[kSubs], minimums[kSubs];
  float quants[kSubs * kSub];

  [[nodiscard]] Fit fit(int sub) const {
    return {scale * static_cast<float>(scales[sub]), minimum * static_cast<float>(minimums[sub])};
  }
};

/// Rounds scales and minimums to 6 bits, and moves each by one where that lessens the error.
float round_scales(const float* x, const float* weights, const Fit* fits, Rounded& block) {
  const auto six_bits = [](float value, float unit) {
    return unit > 0.0f ? static_cast<int>(clamp(nearest(value / unit), 0.0f, kMaxScale)) : 0;
  };
  float total = 0.0f;
  for (int sub = 0; sub < kSubs; ++sub) {
    const float* values = x + sub * kSub;
    const float* sub_weights = weights + sub * kSub;
    const int scale = six_bits(fits[sub].scale, block.scale);
    const int minimum = six_bits(fits[sub].minimum, block.minimum);
    float quants[kSub];
    float best = INFINITY;
    for (int s = std::max(0, scale - 1); s <= std::min(63, scale + 1); ++s) {
      for (int m = std::max(0, minimum - 1); m <= std::min(63, minimum + 1); ++m) {
        const Fit fit{block.scale * static_cast<float>(s), block.minimum * static_cast<float>(m)};
        const float error = round_quants(values, sub_weights, fit, quants);
        if (!(error < best)) continue;
        best = error;
        block.scales[sub] = s;
        block.minimums[sub] = m;
        std::copy(quants, quants + kSub, block.quants + sub * kSub);
      }
    }
    total += best;
  }
  return total;
}

/// Fits the block's own scale and minimum to its quants: least squares in two unknowns.
Rounded refit(const float* x, const float* weights, const Rounded& block) {
  double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;  // a: scale * quant, b: minimum
  for (int i = 0; i < kSubs * kSub; ++i) {
    const double w = weights[i];
    const double a = static_cast<double>(block.quants[i]) * block.scales[i / kSub];
    const double b = block.minimums[i / kSub];
    aa += w * a * a;
    ab += w * a * b;
    bb += w * b * b;
    ax += w * a * x[i];
    bx += w * b * x[i];
  }
  Rounded result = block;
  const double determinant = aa * bb - ab * ab;
  if (determinant > 1e-6 * aa * bb) {
    result.scale = static_cast<float>((bb * ax - ab * bx) / determinant);
    result.minimum = static_cast<float>((ab * ax - aa * bx) / determinant);
  } else if (aa > 0) {
    result.scale = static_cast<float>((ax + ab * block.minimum) / aa);
  }
  result.scale = f16_to_float(float_to_f16(std::max(0.0f, result.scale)));
  result.minimum = f16_to_float(float_to_f16(std::max(0.0f, result.minimum)));
  return result;
}

void pack(const Rounded& rounded, kernels::BlockQ4_K& block) {
  std::uint8_t scales[kSubs];
  std::uint8_t minimums[kSubs];
  for (int sub = 0; sub < kSubs; ++sub) {
    scales[sub] = static_cast<std::uint8_t>(rounded.scales[sub]);
    minimums[sub] = static_cast<std::uint8_t>(rounded.minimums[sub]);
  }
  block.scale = float_to_f16(rounded.scale);
  block.minimum = float_to_f16(rounded.minimum);
  pack_k_scales(scales, minimums, block.scales);
  // Low nibbles: an even sub-block; high nibbles: the odd one behind it.
  for (int pair = 0; pair < kSubs / 2; ++pair) {
    const float* low = rounded.quants + 2 * pair * kSub;
    for (int i = 0; i < kSub; ++i) {
      block.quants[pair * kSub + i] = static_cast<std::uint8_t>(
          static_cast<int>(low[i]) | static_cast<int>(low[i + kSub]) << 4);
    }
  }
}

}  // namespace

void quantize_block(const float* x, kernels::BlockQ4_K& block) {
  float weights[kSubs * kSub];
  error_weights(x, kSubs * kSub, weights);
  Fit fits[kSubs];
  float most_scale = 0.0f;
  float most_minimum = 0.0f;
  for (int sub = 0; sub < kSubs; ++sub) {
    fits[sub] = fit_sub_block(x + sub * kSub, weights + sub * kSub);
    most_scale = std::max(most_scale, fits[sub].scale);
    most_minimum = std::max(most_minimum, fits[sub].minimum);
  }
  Rounded best{};
  best.scale = f16_to_float(float_to_f16(most_scale / kMaxScale));
  best.minimum = f16_to_float(float_to_f16(most_minimum / kMaxScale));
  float best_error = round_scales(x, weights, fits, best);
  Rounded again = refit(x, weights, best);
  const float error = round_scales(x, weights, fits, again);
  if (error < best_error) best = again;
  pack(best, block);
}

}  // namespace jevons
