// F32, F16 and BF16 for AVX2: sixteen lanes in two vectors for each pair of a row and a token.
#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vectors_avx2.h"

JEVONS_TARGET_BEGIN("avx2,fma,f16c")
namespace jevons::kernels {
namespace {

struct F32 {
  using Number = float;
  static __m256 load(const float* p) { return _mm256_loadu_ps(p); }
  static float widen(float value) { return value; }
};

struct F16 {
  using Number = f16;
  static __m256 load(const f16* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static float widen(f16 value) { return f16_to_float(value); }
};

struct Bf16 {
  using Number = bf16;
  static __m256 load(const bf16* p) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v), 16));
  }
  static float widen(bf16 value) { return bf16_to_float(value); }
};

/// The sixteen sums of one row and one token.
struct Lanes {
  __m256 low, high;
};

float add_lanes(const Lanes& lanes) {
  const __m256 eight = _mm256_add_ps(lanes.low, lanes.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// The last columns, fewer than sixteen.
template <typename Weight, typename Activation>
void add_tail(const typename Weight::Number* w, const typename Activation::Number* x, int n,
              Lanes& lanes) {
  alignas(32) float sums[kFloatLanes];
  _mm256_store_ps(sums, lanes.low);
  _mm256_store_ps(sums + 8, lanes.high);
  for (int i = 0; i < n; ++i) {
    sums[i] = std::fma(Weight::widen(w[i]), Activation::widen(x[i]), sums[i]);
  }
  lanes = {_mm256_load_ps(sums), _mm256_load_ps(sums + 8)};
}

template <typename Weight, typename Activation, int kRows, int kTokens>
void multiply_tile(const MatmulArguments& a, int row, int token) {
  const typename Weight::Number* w[kRows];
  const typename Activation::Number* x[kTokens];
  for (int r = 0; r < kRows; ++r) {
    w[r] = reinterpret_cast<const typename Weight::Number*>(
        a.weights + a.row_bytes * static_cast<std::size_t>(row + r));
  }
  for (int t = 0; t < kTokens; ++t) {
    x[t] = reinterpret_cast<const typename Activation::Number*>(a.x[token + t]);
  }
  Lanes sums[kRows][kTokens];
  for (auto& of_row : sums) {
    for (Lanes& sum : of_row) sum = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  }
  int i = 0;
  for (; i + kFloatLanes <= a.n_columns; i += kFloatLanes) {
    if constexpr (kTokens == 1) {
      constexpr std::size_t kStepBytes = kRows * sizeof(typename Weight::Number);
      prefetch_bytes_avx2(reinterpret_cast<const std::byte*>(w[kRows - 1]) + kPrefetchLeadBytes +
                              kStepBytes * static_cast<std::size_t>(i),
                          kStepBytes * kFloatLanes);
    }
    for (int r = 0; r < kRows; ++r) {
      const __m256 low = Weight::load(w[r] + i);
      const __m256 high = Weight::load(w[r] + i + 8);
      for (int t = 0; t < kTokens; ++t) {
        Lanes& sum = sums[r][t];
        sum.low = _mm256_fmadd_ps(low, Activation::load(x[t] + i), sum.low);
        sum.high = _mm256_fmadd_ps(high, Activation::load(x[t] + i + 8), sum.high);
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) {
      if (i < a.n_columns) {
        add_tail<Weight, Activation>(w[r] + i, x[t] + i, a.n_columns - i, sums[r][t]);
      }
      a.y[token + t][row + r] = add_lanes(sums[r][t]);
    }
  }
}

/// `kRows` rows times all tokens: three at once as long as there are three.
template <typename Weight, typename Activation, int kRows>
void multiply_rows(const MatmulArguments& a, int row) {
  int token = 0;
  for (; token + 3 <= a.n_tokens; token += 3) {
    multiply_tile<Weight, Activation, kRows, 3>(a, row, token);
  }
  for (; token < a.n_tokens; ++token) multiply_tile<Weight, Activation, kRows, 1>(a, row, token);
}

template <typename Weight, typename Activation>
void matmul(const MatmulArguments& a) {
  int row = 0;
  if (a.n_tokens == 1) {
    for (; row + 4 <= a.n_rows; row += 4) multiply_tile<Weight, Activation, 4, 1>(a, row, 0);
  } else {
    for (; row + 2 <= a.n_rows; row += 2) multiply_rows<Weight, Activation, 2>(a, row);
  }
  for (; row < a.n_rows; ++row) multiply_rows<Weight, Activation, 1>(a, row);
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_floats_avx2(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kF32)] = matmul<F32, F32>;
  set.matmuls[format_index(WeightFormat::kF16)] = matmul<F16, F32>;
  set.matmuls[format_index(WeightFormat::kBF16)] = matmul<Bf16, Bf16>;
}

}  // namespace jevons::kernels

#endif
