// F32, F16 and BF16 for NEON: sixteen lanes in four vectors for each pair of a row and a token.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <cmath>

#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kParts = kFloatLanes / 4;

struct F32 {
  using Number = float;
  JEVONS_FORCE_INLINE static float32x4_t load(const float* p) { return vld1q_f32(p); }
  static float widen(float value) { return value; }
};

struct F16 {
  using Number = f16;
  JEVONS_FORCE_INLINE static float32x4_t load(const f16* p) { return widen_halves(p); }
  static float widen(f16 value) { return f16_to_float(value); }
};

struct Bf16 {
  using Number = bf16;
  JEVONS_FORCE_INLINE static float32x4_t load(const bf16* p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
  }
  static float widen(bf16 value) { return bf16_to_float(value); }
};

/// The sixteen sums of one row and one token.
using Lanes = float32x4_t[kParts];

/// The last columns, fewer than sixteen.
template <typename Weight, typename Activation>
void add_tail(const typename Weight::Number* w, const typename Activation::Number* x, int n,
              Lanes& lanes) {
  float sums[kFloatLanes];
  for (int i = 0; i < kParts; ++i) vst1q_f32(sums + 4 * i, lanes[i]);
  for (int i = 0; i < n; ++i) {
    sums[i] = std::fma(Weight::widen(w[i]), Activation::widen(x[i]), sums[i]);
  }
  for (int i = 0; i < kParts; ++i) lanes[i] = vld1q_f32(sums + 4 * i);
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
    for (Lanes& lanes : of_row) {
      for (float32x4_t& lane : lanes) lane = vdupq_n_f32(0.0F);
    }
  }
  int i = 0;
  for (; i + kFloatLanes <= a.n_columns; i += kFloatLanes) {
    if constexpr (kTokens == 1) {
      constexpr std::size_t kStepBytes = kRows * sizeof(typename Weight::Number);
      prefetch_bytes(reinterpret_cast<const std::byte*>(w[kRows - 1]) + kPrefetchLeadBytes +
                         kStepBytes * static_cast<std::size_t>(i),
                     kStepBytes * kFloatLanes);
    }
    JEVONS_UNROLL
    for (int part = 0; part < kParts; ++part) {
      float32x4_t activations[kTokens];
      JEVONS_UNROLL
      for (int t = 0; t < kTokens; ++t) activations[t] = Activation::load(x[t] + i + 4 * part);
      JEVONS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const float32x4_t weights = Weight::load(w[r] + i + 4 * part);
        JEVONS_UNROLL
        for (int t = 0; t < kTokens; ++t) {
          sums[r][t][part] = vfmaq_f32(sums[r][t][part], weights, activations[t]);
        }
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int t = 0; t < kTokens; ++t) {
      Lanes& lanes = sums[r][t];
      if (i < a.n_columns) {
        add_tail<Weight, Activation>(w[r] + i, x[t] + i, a.n_columns - i, lanes);
      }
      a.y[token + t][row + r] = folded_sum(lanes[0], lanes[1], lanes[2], lanes[3]);
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

void fill_floats_neon(KernelSet& set) {
  set.matmuls[format_index(WeightFormat::kF32)] = matmul<F32, F32>;
  set.matmuls[format_index(WeightFormat::kF16)] = matmul<F16, F32>;
  set.matmuls[format_index(WeightFormat::kBF16)] = matmul<Bf16, Bf16>;
}

}  // namespace jevons::kernels

#endif
