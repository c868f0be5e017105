// Writing KV pages and queries for NEON: the operations of attention_scalar.cpp.
#if defined(__aarch64__)

#include <arm_neon.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/attention_kernels.h"
#include "kernels/kv_formats.h"
#include "kernels/matmul_kernels.h"
#include "kernels/vectors_neon.h"

JEVONS_TARGET_BEGIN("arch=armv8.2-a+dotprod")
namespace jevons::kernels {
namespace {

constexpr int kLanes = 4;
constexpr int kParts = kKvBlock / kLanes;

// A block of 32 floats in eight vectors.
struct Block {
  float32x4_t parts[kParts];

  explicit Block(const float* x) {
    for (int i = 0; i < kParts; ++i) parts[i] = vld1q_f32(x + i * kLanes);
  }
  void multiply(float factor) {
    for (float32x4_t& part : parts) part = vmulq_n_f32(part, factor);
  }
};

// The largest |x| of a block, compared as integers, so that NaN is the largest, divided by 127; NaN
// for infinity too.
float wanted_scale(const Block& block) {
  const uint32x4_t no_sign = vdupq_n_u32(kMagnitudeMask);
  uint32x4_t maxima = vdupq_n_u32(0);
  for (const float32x4_t part : block.parts) {
    maxima = vmaxq_u32(maxima, vandq_u32(vreinterpretq_u32_f32(part), no_sign));
  }
  const std::uint32_t largest = vmaxvq_u32(maxima);
  return std::bit_cast<float>(largest < kInfinityBits ? largest : kNanBits) / 127.0F;
}

float inverse_scale(float scale) {
  return scale >= std::numeric_limits<float>::min() ? 1.0F / scale : 0.0F;
}

// fmaxnm takes the number where the other is NaN, so what is not a number gives -127.
int16x4_t quantise(float32x4_t x, float inverse) {
  const float32x4_t low = vmaxnmq_f32(vmulq_n_f32(x, inverse), vdupq_n_f32(-127.0F));
  return vmovn_s32(vcvtnq_s32_f32(vminq_f32(low, vdupq_n_f32(127.0F))));
}

struct Quants {
  int8x16_t halves[2];

  Quants(const Block& block, float inverse) {
    for (int half = 0; half < 2; ++half) {
      const float32x4_t* x = block.parts + 4 * half;
      const int16x8_t low = vcombine_s16(quantise(x[0], inverse), quantise(x[1], inverse));
      const int16x8_t high = vcombine_s16(quantise(x[2], inverse), quantise(x[3], inverse));
      halves[half] = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
    }
  }
  void store(void* out) const {
    vst1q_s8(static_cast<std::int8_t*>(out), halves[0]);
    vst1q_s8(static_cast<std::int8_t*>(out) + 16, halves[1]);
  }
};

uint16x4_t f16_of(float32x4_t x) { return vreinterpret_u16_f16(vcvt_f16_f32(x)); }

// The quants are made for the scale as the page holds it, rounded to f16.
Quants encode_block(const float* x, f16& scale) {
  const Block block(x);
  const uint16x4_t rounded = f16_of(vdupq_n_f32(wanted_scale(block)));
  scale = vget_lane_u16(rounded, 0);
  const float32x4_t as_stored = vcvt_f32_f16(vreinterpret_f16_u16(rounded));
  return {block, inverse_scale(vgetq_lane_f32(as_stored, 0))};
}

void store_key(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; d += kLanes) {
      f16 converted[kLanes];
      vst1_u16(converted, f16_of(vld1q_f32(x + d)));
      for (int i = 0; i < kLanes; ++i) {
        elements[f16_key_index(head_dim, slot, d + i)] = converted[i];
      }
    }
    return;
  }
  auto* scales = reinterpret_cast<f16*>(page + kv_scales_offset_bytes(head_dim));
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    Quants quants = encode_block(x + block * kKvBlock, scales[kv_scale_index(slot, block)]);
    const int8x16_t offset = vdupq_n_s8(static_cast<std::int8_t>(kKeyQuantOffset - 256));
    for (int8x16_t& half : quants.halves) half = vaddq_s8(half, offset);
    std::byte bytes[kKvBlock];
    quants.store(bytes);
    for (int d = 0; d < kKvBlock; d += 4) {
      std::memcpy(page + q8_key_index(head_dim, slot, block * kKvBlock + d), bytes + d, 4);
    }
  }
}

void store_value(KvFormat format, const float* x, int head_dim, int slot, std::byte* page) {
  if (format == KvFormat::kF16) {
    auto* elements = reinterpret_cast<f16*>(page);
    for (int d = 0; d < head_dim; d += kLanes) {
      vst1_u16(elements + value_index(slot, d), f16_of(vld1q_f32(x + d)));
    }
    return;
  }
  auto* scales = reinterpret_cast<f16*>(page + kv_scales_offset_bytes(head_dim));
  for (int block = 0; block < head_dim / kKvBlock; ++block) {
    encode_block(x + block * kKvBlock, scales[kv_scale_index(slot, block)])
        .store(page + value_index(slot, block * kKvBlock));
  }
}

void encode_query_q8(const float* query, int head_dim, std::byte* record) {
  auto* scales = reinterpret_cast<float*>(record + head_dim);
  auto* corrections = reinterpret_cast<std::int32_t*>(scales + head_dim / kKvBlock);
  const float factor = query_factor(head_dim);
  for (int i = 0; i < head_dim / kKvBlock; ++i) {
    Block block(query + i * kKvBlock);
    block.multiply(factor);
    scales[i] = wanted_scale(block);
    const Quants quants(block, inverse_scale(scales[i]));
    quants.store(record + i * kKvBlock);
    const int sum = vaddlvq_s8(quants.halves[0]) + vaddlvq_s8(quants.halves[1]);
    corrections[i] = -kKeyQuantOffset * sum;
  }
}

void encode_queries(KvFormat format, const float* queries, int n_queries, int head_dim,
                    std::byte* out) {
  if (format == KvFormat::kF16) {
    const float factor = query_factor(head_dim);
    auto* scaled = reinterpret_cast<float*>(out);
    for (int i = 0; i < n_queries * head_dim; i += kLanes) {
      vst1q_f32(scaled + i, vmulq_n_f32(vld1q_f32(queries + i), factor));
    }
    return;
  }
  for (int query = 0; query < n_queries; ++query) {
    encode_query_q8(queries + static_cast<std::ptrdiff_t>(query) * head_dim, head_dim,
                    out + static_cast<std::size_t>(query) * q8_query_record_bytes(head_dim));
  }
}

}  // namespace

void fill_kv_pages_neon(KernelSet& set) {
  set.store_key = store_key;
  set.store_value = store_value;
  set.encode_queries = encode_queries;
}

}  // namespace jevons::kernels
JEVONS_TARGET_END

#endif  // defined(__aarch64__)
