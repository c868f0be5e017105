// The vector kernels for NEON. The operations and their order are those of vector_scalar.cpp.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cmath>
#include <cstddef>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_neon.h"
#include "kernels/vector_kernels.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kLanes = 4;

float sum_of_squares(const float* x, int n) {
  constexpr int kParts = 16;
  float32x4_t sums[kParts];
  for (float32x4_t& sum : sums) sum = vdupq_n_f32(0.0F);
  int i = 0;
  for (; i + kParts * kLanes <= n; i += kParts * kLanes) {
    JEVONS_UNROLL
    for (int part = 0; part < kParts; ++part) {
      const float32x4_t v = vld1q_f32(x + i + part * kLanes);
      sums[part] = vfmaq_f32(sums[part], v, v);
    }
  }
  for (int part = 0; i < n; i += kLanes, ++part) {
    const float32x4_t v = load_first(x + i, n - i);
    sums[part] = vfmaq_f32(sums[part], v, v);
  }
  for (int part = 0; part < 8; ++part) sums[part] = vaddq_f32(sums[part], sums[part + 8]);
  for (int part = 0; part < 4; ++part) sums[part] = vaddq_f32(sums[part], sums[part + 4]);
  return folded_sum(sums[0], sums[1], sums[2], sums[3]);
}

void rms_norm(const float* x, const float* weight, float* out, int n, float epsilon) {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const float scale = 1.0F / std::sqrt(mean + epsilon);
  for (int i = 0; i < n; i += kLanes) {
    const float32x4_t scaled = vmulq_n_f32(load_first(x + i, n - i), scale);
    store_first(out + i, n - i, vmulq_f32(scaled, load_first(weight + i, n - i)));
  }
}

void rope(float* heads, int n_heads, int head_dim, int rotary_dim, const float* cosines,
          const float* sines) {
  const int n_pairs = rotary_dim / 2;
  for (int i = 0; i < n_pairs; i += kLanes) {
    const int n = n_pairs - i;
    const float32x4_t cosine = load_first(cosines + i, n);
    const float32x4_t sine = load_first(sines + i, n);
    for (int head = 0; head < n_heads; ++head) {
      float* first = heads + static_cast<std::ptrdiff_t>(head) * head_dim + i;
      float* second = first + n_pairs;
      const float32x4_t a = load_first(first, n);
      const float32x4_t b = load_first(second, n);
      store_first(first, n, vfmaq_f32(vnegq_f32(vmulq_f32(b, sine)), a, cosine));
      store_first(second, n, vfmaq_f32(vmulq_f32(a, sine), b, cosine));
    }
  }
}

// 1 + e^-x
float32x4_t sigmoid_denominator(float32x4_t x) {
  return vaddq_f32(vdupq_n_f32(1.0F), exponential_neon(vnegq_f32(x)));
}

void silu_multiply(const float* gate, const float* up, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const float32x4_t g = load_first(gate + i, n - i);
    const float32x4_t silu = vdivq_f32(g, sigmoid_denominator(g));
    store_first(out + i, n - i, vmulq_f32(silu, load_first(up + i, n - i)));
  }
}

void add_scaled(float* y, const float* x, float scale, int n) {
  const float32x4_t factor = vdupq_n_f32(scale);
  for (int i = 0; i < n; i += kLanes) {
    const float32x4_t sum = load_first(y + i, n - i);
    store_first(y + i, n - i, vfmaq_f32(sum, factor, load_first(x + i, n - i)));
  }
}

void sigmoids(const float* x, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const float32x4_t denominator = sigmoid_denominator(load_first(x + i, n - i));
    store_first(out + i, n - i, vdivq_f32(vdupq_n_f32(1.0F), denominator));
  }
}

}  // namespace

void fill_vector_neon(KernelSet& set) {
  set.rms_norm = rms_norm;
  set.rope = rope;
  set.silu_multiply = silu_multiply;
  set.add_scaled = add_scaled;
  set.sigmoids = sigmoids;
  fill_attention_neon(set);
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__aarch64__)
