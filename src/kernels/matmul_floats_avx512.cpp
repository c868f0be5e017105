// F32, F16 and BF16 on AVX-512: sixteen lanes in one vector for each pair of a row and a token.
#if defined(__x86_64__)

#include <immintrin.h>

#include "kernels/kernel_set.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vectors_avx512.h"

JEVONS_TARGET_BEGIN(JEVONS_AVX512 ",avx512bf16")
namespace jevons::kernels {
namespace {

// kLanes: columns of one step. add(): lanes plus weights times activations, for all lanes or only
// for the first `n`; a lane that is left out keeps its sum.

struct F32 {
  using Weight = float;
  using Activation = float;
  using Vector = __m512;
  static constexpr int kColumns = 16;
  static Vector weights(const float* p) { return _mm512_loadu_ps(p); }
  static Vector activations(const float* p) { return _mm512_loadu_ps(p); }
  static __m512 add(__m512 sum, Vector w, Vector x) { return _mm512_fmadd_ps(w, x, sum); }
  static __m512 add_first(int n, __m512 sum, const float* w, const float* x) {
    const auto mask = static_cast<__mmask16>((1U << n) - 1U);
    return _mm512_mask3_fmadd_ps(_mm512_maskz_loadu_ps(mask, w), _mm512_maskz_loadu_ps(mask, x),
                                 sum, mask);
  }
};

struct F16 : F32 {
  using Weight = f16;
  static Vector weights(const f16* p) { return _mm512_cvtph_ps(load_32(p)); }
  static __m512 add_first(int n, __m512 sum, const f16* w, const float* x) {
    const auto mask = static_cast<__mmask16>((1U << n) - 1U);
    return _mm512_mask3_fmadd_ps(_mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, w)),
                                 _mm512_maskz_loadu_ps(mask, x), sum, mask);
  }
};

struct Bf16 {
  using Weight = bf16;
  using Activation = bf16;
  using Vector = __m512bh;
  static constexpr int kColumns = 32;  // two to a lane
  static Vector weights(const bf16* p) { return as_bf16(load_64(p)); }
  static Vector activations(const bf16* p) { return as_bf16(load_64(p)); }
  static __m512 add(__m512 sum, Vector w, Vector x) { return _mm512_dpbf16_ps(sum, w, x); }
  static __m512 add_first(int n, __m512 sum, const bf16* w, const bf16* x) {
    const auto mask = static_cast<__mmask32>((std::uint64_t{1} << n) - 1U);
    return _mm512_dpbf16_ps(sum, as_bf16(_mm512_maskz_loadu_epi16(mask, w)),
                            as_bf16(_mm512_maskz_loadu_epi16(mask, x)));
  }
  static __m512bh as_bf16(__m512i v) {
    __m512bh out;
    std::memcpy(&out, &v, sizeof(out));
    return out;
  }
};

/// The upper half of the lanes added to the lower half until one is left.
float add_lanes(__m512 v) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/// How far behind the rows being computed memory is read ahead.
constexpr std::size_t kLeadBytes = 5 << 10;

template <typename Format, int kRows, int kTokens>
void multiply_tile(const MatmulArguments& a, int row, int token) {
  const typename Format::Weight* w[kRows];
  const typename Format::Activation* x[kTokens];
  for (int r = 0; r < kRows; ++r) {
    w[r] = reinterpret_cast<const typename Format::Weight*>(
        a.weights + a.row_bytes * static_cast<std::size_t>(row + r));
  }
  for (int t = 0; t < kTokens; ++t) {
    x[t] = reinterpret_cast<const typename Format::Activation*>(a.x[token + t]);
  }
  __m512 sums[kRows][kTokens];
  for (auto& of_row : sums) {
    for (__m512& sum : of_row) sum = _mm512_setzero_ps();
  }
  int i = 0;
  JEVONS_KEEP_LOOP
  for (; i + Format::kColumns <= a.n_columns; i += Format::kColumns) {
    if constexpr (kTokens == 1) {
      constexpr std::size_t kStepBytes = kRows * sizeof(typename Format::Weight);
      prefetch_bytes(reinterpret_cast<const std::byte*>(w[kRows - 1]) + kLeadBytes +
                         kStepBytes * static_cast<std::size_t>(i),
                     kStepBytes * Format::kColumns);
    }
    typename Format::Vector weights[kRows];
    JEVONS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      weights[r] = Format::weights(w[r] + i);
    }
    JEVONS_UNROLL
    for (int t = 0; t < kTokens; ++t) {
      const typename Format::Vector activations = Format::activations(x[t] + i);
      JEVONS_UNROLL
      for (int r = 0; r < kRows; ++r) sums[r][t] = Format::add(sums[r][t], weights[r], activations);
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) {
      if (i < a.n_columns) {
        sums[r][t] = Format::add_first(a.n_columns - i, sums[r][t], w[r] + i, x[t] + i);
      }
      a.y[token + t][row + r] = add_lanes(sums[r][t]);
    }
  }
}

/// `kRows` rows times all tokens: four at once as long as there are four.
template <typename Format, int kRows>
void multiply_rows(const MatmulArguments& a, int row) {
  int token = 0;
  for (; token + 4 <= a.n_tokens; token += 4) multiply_tile<Format, kRows, 4>(a, row, token);
  for (; token < a.n_tokens; ++token) multiply_tile<Format, kRows, 1>(a, row, token);
}

template <typename Format>
void matmul(const MatmulArguments& a) {
  int row = 0;
  for (; row + 4 <= a.n_rows; row += 4) multiply_rows<Format, 4>(a, row);
  for (; row < a.n_rows; ++row) multiply_rows<Format, 1>(a, row);
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_floats_avx512(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kF32)] = matmul<F32>;
  set.matmuls[format_index(WeightFormat::kF16)] = matmul<F16>;
  set.matmuls[format_index(WeightFormat::kBF16)] = matmul<Bf16>;
}

}  // namespace jevons::kernels

#endif
