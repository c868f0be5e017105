// The vector kernels for AVX-512. The operations and their order are those of vector_scalar.cpp.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_avx512.h"
#include "kernels/vector_kernels.h"

JEVONS_TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kLanes = 16;

// The lanes from `i` on that are below n.
__mmask16 lanes_before(int i, int n) {
  return n - i >= kLanes ? static_cast<__mmask16>(0xFFFF)
                         : static_cast<__mmask16>((1U << (n - i)) - 1U);
}

float sum_of_squares(const float* x, int n) {
  __m512 sums[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
                    _mm512_setzero_ps()};
  int i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int part = 0; part < 4; ++part) {
      const __m512 v = _mm512_loadu_ps(x + i + part * kLanes);
      sums[part] = _mm512_fmadd_ps(v, v, sums[part]);
    }
  }
  for (int part = 0; i < n; i += kLanes, ++part) {
    const __m512 v = _mm512_maskz_loadu_ps(lanes_before(i, n), x + i);
    sums[part] = _mm512_fmadd_ps(v, v, sums[part]);
  }
  return folded_sum_avx512(
      _mm512_add_ps(_mm512_add_ps(sums[0], sums[2]), _mm512_add_ps(sums[1], sums[3])));
}

void rms_norm(const float* x, const float* weight, float* out, int n, float epsilon) {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const __m128 root = _mm_sqrt_ss(_mm_set_ss(mean + epsilon));
  const __m512 scale = _mm512_broadcastss_ps(_mm_div_ss(_mm_set_ss(1.0F), root));
  for (int i = 0; i < n; i += kLanes) {
    const __mmask16 mask = lanes_before(i, n);
    const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x + i), scale);
    _mm512_mask_storeu_ps(out + i, mask,
                          _mm512_mul_ps(scaled, _mm512_maskz_loadu_ps(mask, weight + i)));
  }
}

void rope(float* heads, int n_heads, int head_dim, int rotary_dim, const float* cosines,
          const float* sines) {
  const int n_pairs = rotary_dim / 2;
  for (int i = 0; i < n_pairs; i += kLanes) {
    const __mmask16 mask = lanes_before(i, n_pairs);
    const __m512 cosine = _mm512_maskz_loadu_ps(mask, cosines + i);
    const __m512 sine = _mm512_maskz_loadu_ps(mask, sines + i);
    for (int head = 0; head < n_heads; ++head) {
      float* first = heads + static_cast<std::ptrdiff_t>(head) * head_dim + i;
      float* second = first + n_pairs;
      const __m512 a = _mm512_maskz_loadu_ps(mask, first);
      const __m512 b = _mm512_maskz_loadu_ps(mask, second);
      _mm512_mask_storeu_ps(first, mask, _mm512_fmsub_ps(a, cosine, _mm512_mul_ps(b, sine)));
      _mm512_mask_storeu_ps(second, mask, _mm512_fmadd_ps(b, cosine, _mm512_mul_ps(a, sine)));
    }
  }
}

// 1 + e^-x
__m512 sigmoid_denominator(__m512 x) {
  const __m512 negated = _mm512_xor_ps(x, _mm512_set1_ps(-0.0F));
  return _mm512_add_ps(_mm512_set1_ps(1.0F), exponential_avx512(negated));
}

void silu_multiply(const float* gate, const float* up, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const __mmask16 mask = lanes_before(i, n);
    const __m512 g = _mm512_maskz_loadu_ps(mask, gate + i);
    const __m512 silu = _mm512_div_ps(g, sigmoid_denominator(g));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_mul_ps(silu, _mm512_maskz_loadu_ps(mask, up + i)));
  }
}

void add_scaled(float* y, const float* x, float scale, int n) {
  const __m512 factor = _mm512_set1_ps(scale);
  for (int i = 0; i < n; i += kLanes) {
    const __mmask16 mask = lanes_before(i, n);
    const __m512 sum = _mm512_maskz_loadu_ps(mask, y + i);
    _mm512_mask_storeu_ps(y + i, mask,
                          _mm512_fmadd_ps(factor, _mm512_maskz_loadu_ps(mask, x + i), sum));
  }
}

void sigmoids(const float* x, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const __mmask16 mask = lanes_before(i, n);
    const __m512 denominator = sigmoid_denominator(_mm512_maskz_loadu_ps(mask, x + i));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_div_ps(_mm512_set1_ps(1.0F), denominator));
  }
}

}  // namespace

void fill_vector_avx512(KernelSet& set) {
  set.rms_norm = rms_norm;
  set.rope = rope;
  set.silu_multiply = silu_multiply;
  set.add_scaled = add_scaled;
  set.sigmoids = sigmoids;
  fill_attention_avx512(set);
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__x86_64__)
