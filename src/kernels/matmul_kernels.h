// Matrix kernels and activation encoders: their half of a KernelSet. Internal to kernels/.
//
// The arithmetic, which the scalar set spells out and the others repeat bit for bit (one rounding
// for each operation named, fma being one operation; to nearest, ties to even):
//
// 256-element blocks times ActivationQ8Super, block after block:
//   y = fma(w.scale * x.scale, float(sum over i of w.scales[i/16] * w.quants[i] * x.quants[i]), y)
//   and where the format has minimums
//   y = fma(-(w.minimum * x.scale), float(sum over j of w.minimums[j] * x.sums[j]), y)
// 32-element blocks times ActivationQ8Small, block after block:
//   y = fma(w.scale * x.scale, float(sum over i of w.quants[i] * x.quants[i]), y)
//   and where the format has minimums
//   y = fma(w.minimum * x.scale, float(x.sum), y)
// The inner sums are integers and exact: below 2^27.
//
// F32 and F16 times floats: column i goes to lane i mod 16 by fma, then the upper half of the
// lanes is added to the lower half until one is left. BF16 times BF16 activations is the same in
// the scalar, AVX2 and NEON sets; AVX-512 adds pairs of products with vdpbf16ps, within a tolerance
// of the others but for itself as reproducible as the rest.
//
// Encoders to int8, with m = max|x| of the block: scale = m / 127 and quants = x * (127 / m)
// rounded to whole numbers. A block with m < 2^-100 is all zero with scale 0; a block with an
// infinity or NaN has scale NaN and quants 0, so that the fault shows in every result.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

/// Fill matmuls, activation_formats and encoders. The AVX fillers exist on x86-64 only, the NEON
/// filler on 64-bit ARM, and replace what they have own code for: call scalar, AVX2 and AVX-VNNI or
/// AVX-512 in this order, or scalar and NEON (the activation formats are the scalar filler's, and
/// the AVX-512 set keeps AVX2's encoders).
void fill_matmul_scalar(KernelSet& set);
void fill_matmul_avx2(KernelSet& set);
void fill_matmul_avx_vnni(KernelSet& set);
void fill_matmul_avx512(KernelSet& set);
void fill_matmul_neon(KernelSet& set);

/// Their parts, one for each family of formats and instruction set.
void fill_encoders_scalar(KernelSet& set);
void fill_encoders_avx2(KernelSet& set);
void fill_encoders_neon(KernelSet& set);
void fill_floats_avx2(KernelSet& set);
void fill_floats_avx512(KernelSet& set);
void fill_floats_neon(KernelSet& set);
void fill_small_blocks_avx2(KernelSet& set);
void fill_small_blocks_avx512(KernelSet& set);
void fill_small_blocks_neon(KernelSet& set);
void fill_super_blocks_avx2(KernelSet& set);
void fill_super_blocks_neon(KernelSet& set);
void fill_iq4xs_avx512(KernelSet& set);
void fill_q2k_q3k_avx512(KernelSet& set);
void fill_q4k_q5k_avx512(KernelSet& set);
void fill_q6k_avx512(KernelSet& set);

inline constexpr float kSmallestActivation = 0x1p-100F;
inline constexpr std::uint32_t kInfinityBits = 0x7F800000U;
inline constexpr std::uint32_t kMagnitudeMask = 0x7FFFFFFFU;
inline constexpr std::uint32_t kNanBits = 0x7FC00000U;  // the scale of a block with a fault

/// Lanes of the float formats' reduction.
inline constexpr int kFloatLanes = 16;

[[nodiscard]] constexpr std::size_t format_index(WeightFormat format) {
  return static_cast<std::size_t>(format);
}
[[nodiscard]] constexpr std::size_t format_index(ActivationFormat format) {
  return static_cast<std::size_t>(format);
}

}  // namespace jevons::kernels
