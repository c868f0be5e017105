// The definition of the vector kernels. The other files do the same operations in the same order.
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/exponential.h"
#include "kernels/vector_kernels.h"

namespace jevons::kernels {

float exponential(float x) {
  // Written so that NaN goes through, as in minps and maxps.
  float clamped = kExpHighest < x ? kExpHighest : x;
  clamped = kExpLowest > clamped ? kExpLowest : clamped;
  const float shifted = std::fma(clamped, kLog2E, kRoundingShift);
  const float n = shifted - kRoundingShift;
  const float r = std::fma(n, -kLn2Low, std::fma(n, -kLn2High, clamped));
  float polynomial = kExpCoefficients[4];
  for (int i = 3; i >= 0; --i) polynomial = std::fma(polynomial, r, kExpCoefficients[i]);
  const float power = std::fma(polynomial, r * r, r) + 1.0F;
  // 2^n in two exact steps, because 2^128 is no float.
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - kRoundingShiftBits;
  const std::int32_t half = exponent >> 1;
  const auto power_of_two = [](std::int32_t e) {
    return std::bit_cast<float>((static_cast<std::uint32_t>(e) + 127U) << 23);
  };
  const float result = power * power_of_two(half) * power_of_two(exponent - half);
  return x < kExpLowest ? 0.0F : result;
}

float sigmoid(float x) { return 1.0F / (1.0F + exponential(-x)); }

namespace {

// Element i goes to lane i mod 64; then the upper half of the lanes is added to the lower half
// until one is left.
float sum_of_squares(const float* x, int n) {
  constexpr int kLanes = 64;
  float lanes[kLanes] = {};
  for (int i = 0; i < n; ++i) lanes[i % kLanes] = std::fma(x[i], x[i], lanes[i % kLanes]);
  for (int half = kLanes / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

void rms_norm(const float* x, const float* weight, float* out, int n, float epsilon) {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  for (int i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
}

void rope(float* heads, int n_heads, int head_dim, int rotary_dim, const float* cosines,
          const float* sines) {
  const int n_pairs = rotary_dim / 2;
  for (int head = 0; head < n_heads; ++head) {
    float* first = heads + static_cast<std::ptrdiff_t>(head) * head_dim;
    float* second = first + n_pairs;
    for (int i = 0; i < n_pairs; ++i) {
      const float a = first[i];
      const float b = second[i];
      first[i] = std::fma(a, cosines[i], -(b * sines[i]));
      second[i] = std::fma(b, cosines[i], a * sines[i]);
    }
  }
}

void silu_multiply(const float* gate, const float* up, float* out, int n) {
  for (int i = 0; i < n; ++i) out[i] = gate[i] / (1.0F + exponential(-gate[i])) * up[i];
}

void add_scaled(float* y, const float* x, float scale, int n) {
  for (int i = 0; i < n; ++i) y[i] = std::fma(scale, x[i], y[i]);
}

void sigmoids(const float* x, float* out, int n) {
  for (int i = 0; i < n; ++i) out[i] = sigmoid(x[i]);
}

}  // namespace

void fill_vector_scalar(KernelSet& set) {
  set.rms_norm = rms_norm;
  set.rope = rope;
  set.silu_multiply = silu_multiply;
  set.add_scaled = add_scaled;
  set.sigmoids = sigmoids;
  fill_attention_scalar(set);
}

}  // namespace jevons::kernels
