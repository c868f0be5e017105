// The vector kernels for AVX2. The operations and their order are those of vector_scalar.cpp.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/attention_kernels.h"
#include "kernels/exponential_avx2.h"
#include "kernels/vector_kernels.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

constexpr int kLanes = 8;

// The first n elements at x, zeros in the other lanes.
__m256 load_first(const float* x, int n) {
  return n >= kLanes ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, first_lanes_avx2(n));
}

void store_first(float* x, int n, __m256 v) {
  if (n >= kLanes) {
    _mm256_storeu_ps(x, v);
  } else {
    _mm256_maskstore_ps(x, first_lanes_avx2(n), v);
  }
}

float sum_of_squares(const float* x, int n) {
  constexpr int kParts = 8;
  __m256 sums[kParts];
  for (__m256& sum : sums) sum = _mm256_setzero_ps();
  int i = 0;
  for (; i + kParts * kLanes <= n; i += kParts * kLanes) {
    for (int part = 0; part < kParts; ++part) {
      const __m256 v = _mm256_loadu_ps(x + i + part * kLanes);
      sums[part] = _mm256_fmadd_ps(v, v, sums[part]);
    }
  }
  for (int part = 0; i < n; i += kLanes, ++part) {
    const __m256 v = load_first(x + i, n - i);
    sums[part] = _mm256_fmadd_ps(v, v, sums[part]);
  }
  for (int part = 0; part < 4; ++part) sums[part] = _mm256_add_ps(sums[part], sums[part + 4]);
  return folded_sum_avx2(_mm256_add_ps(sums[0], sums[2]), _mm256_add_ps(sums[1], sums[3]));
}

void rms_norm(const float* x, const float* weight, float* out, int n, float epsilon) {
  const float mean = sum_of_squares(x, n) / static_cast<float>(n);
  const __m128 root = _mm_sqrt_ss(_mm_set_ss(mean + epsilon));
  const __m256 scale = _mm256_broadcastss_ps(_mm_div_ss(_mm_set_ss(1.0F), root));
  for (int i = 0; i < n; i += kLanes) {
    const __m256 scaled = _mm256_mul_ps(load_first(x + i, n - i), scale);
    store_first(out + i, n - i, _mm256_mul_ps(scaled, load_first(weight + i, n - i)));
  }
}

void rope(float* heads, int n_heads, int head_dim, int rotary_dim, const float* cosines,
          const float* sines) {
  const int n_pairs = rotary_dim / 2;
  for (int i = 0; i < n_pairs; i += kLanes) {
    const int n = n_pairs - i;
    const __m256 cosine = load_first(cosines + i, n);
    const __m256 sine = load_first(sines + i, n);
    for (int head = 0; head < n_heads; ++head) {
      float* first = heads + static_cast<std::ptrdiff_t>(head) * head_dim + i;
      float* second = first + n_pairs;
      const __m256 a = load_first(first, n);
      const __m256 b = load_first(second, n);
      store_first(first, n, _mm256_fmsub_ps(a, cosine, _mm256_mul_ps(b, sine)));
      store_first(second, n, _mm256_fmadd_ps(b, cosine, _mm256_mul_ps(a, sine)));
    }
  }
}

// 1 + e^-x
__m256 sigmoid_denominator(__m256 x) {
  const __m256 negated = _mm256_xor_ps(x, _mm256_set1_ps(-0.0F));
  return _mm256_add_ps(_mm256_set1_ps(1.0F), exponential_avx2(negated));
}

void silu_multiply(const float* gate, const float* up, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const __m256 g = load_first(gate + i, n - i);
    const __m256 silu = _mm256_div_ps(g, sigmoid_denominator(g));
    store_first(out + i, n - i, _mm256_mul_ps(silu, load_first(up + i, n - i)));
  }
}

void add_scaled(float* y, const float* x, float scale, int n) {
  const __m256 factor = _mm256_set1_ps(scale);
  for (int i = 0; i < n; i += kLanes) {
    const __m256 sum = load_first(y + i, n - i);
    store_first(y + i, n - i, _mm256_fmadd_ps(factor, load_first(x + i, n - i), sum));
  }
}

void sigmoids(const float* x, float* out, int n) {
  for (int i = 0; i < n; i += kLanes) {
    const __m256 denominator = sigmoid_denominator(load_first(x + i, n - i));
    store_first(out + i, n - i, _mm256_div_ps(_mm256_set1_ps(1.0F), denominator));
  }
}

}  // namespace

void fill_vector_avx2(KernelSet& set) {
  set.rms_norm = rms_norm;
  set.rope = rope;
  set.silu_multiply = silu_multiply;
  set.add_scaled = add_scaled;
  set.sigmoids = sigmoids;
  fill_attention_avx2(set);
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__x86_64__)
