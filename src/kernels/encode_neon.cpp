// Activation encoders for NEON: the operations of encode_scalar.cpp.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <bit>
#include <cstring>

#include "kernels/float_formats.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

/// Bits of the largest magnitude of x [n], n a multiple of 16.
std::uint32_t largest_magnitude(const float* x, int n) {
  const uint32x4_t mask = vdupq_n_u32(kMagnitudeMask);
  uint32x4_t largest[4];
  for (uint32x4_t& part : largest) part = vdupq_n_u32(0);
  for (int i = 0; i < n; i += 16) {
    JEVONS_UNROLL
    for (int part = 0; part < 4; ++part) {
      const uint32x4_t bits = vreinterpretq_u32_f32(vld1q_f32(x + i + 4 * part));
      largest[part] = vmaxq_u32(largest[part], vandq_u32(bits, mask));
    }
  }
  return vmaxvq_u32(
      vmaxq_u32(vmaxq_u32(largest[0], largest[1]), vmaxq_u32(largest[2], largest[3])));
}

/// x [16] * inverse, rounded to whole numbers of at most 127.
int8x16_t quantize_16(const float* x, float inverse) {
  int16x4_t v[4];
  JEVONS_UNROLL
  for (int i = 0; i < 4; ++i) {
    v[i] = vmovn_s32(vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + 4 * i), inverse)));
  }
  return vcombine_s8(vmovn_s16(vcombine_s16(v[0], v[1])), vmovn_s16(vcombine_s16(v[2], v[3])));
}

/// As in encode_scalar.cpp; n is a multiple of 16.
float quantize_block(const float* x, int n, std::int8_t* quants) {
  const std::uint32_t largest_bits = largest_magnitude(x, n);
  const auto largest = std::bit_cast<float>(largest_bits);
  if (largest_bits >= kInfinityBits || largest < kSmallestActivation) {
    std::memset(quants, 0, static_cast<std::size_t>(n));
    return largest_bits >= kInfinityBits ? std::bit_cast<float>(kNanBits) : 0.0F;
  }
  const float inverse = 127.0F / largest;
  for (int i = 0; i < n; i += 16) vst1q_s8(quants + i, quantize_16(x + i, inverse));
  return largest / 127.0F;
}

void encode_q8_small(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Small*>(out);
  for (int b = 0; b < n_columns / kSmallBlock; ++b) {
    ActivationQ8Small& block = blocks[b];
    block.scale = quantize_block(x + b * kSmallBlock, kSmallBlock, block.quants);
    block.sum = vaddlvq_s8(vld1q_s8(block.quants)) + vaddlvq_s8(vld1q_s8(block.quants + 16));
  }
}

void encode_q8_super(const float* x, int n_columns, std::byte* out) {
  auto* blocks = reinterpret_cast<ActivationQ8Super*>(out);
  for (int b = 0; b < n_columns / kSuperBlock; ++b) {
    ActivationQ8Super& block = blocks[b];
    block.scale = quantize_block(x + b * kSuperBlock, kSuperBlock, block.quants);
    for (int j = 0; j < kSuperBlock / 16; ++j) {
      block.sums[j] = vaddlvq_s8(vld1q_s8(block.quants + 16 * j));
    }
  }
}

void encode_bf16(const float* x, int n_columns, std::byte* out) {
  int i = 0;
  for (; i + 4 <= n_columns; i += 4) {
    const float32x4_t v = vld1q_f32(x + i);
    const uint32x4_t bits = vreinterpretq_u32_f32(v);
    const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    const uint32x4_t rounded = vaddq_u32(bits, vaddq_u32(odd, vdupq_n_u32(0x7FFF)));
    const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    const uint32x4_t result = vbslq_u32(vceqq_f32(v, v), rounded, quiet);
    const uint16x4_t packed = vshrn_n_u32(result, 16);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof(bf16), &packed, sizeof(packed));
  }
  for (; i < n_columns; ++i) {
    const bf16 value = float_to_bf16(x[i]);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof(value), &value, sizeof(value));
  }
}

}  // namespace
}  // namespace jevons::kernels
JEVONS_TARGET_END

namespace jevons::kernels {

void fill_encoders_neon(KernelSet& set) {
  set.encoders[format_index(ActivationFormat::kBF16)] = encode_bf16;
  set.encoders[format_index(ActivationFormat::kQ8Small)] = encode_q8_small;
  set.encoders[format_index(ActivationFormat::kQ8Super)] = encode_q8_super;
}

}  // namespace jevons::kernels

#endif
