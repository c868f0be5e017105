// Where a number lies in a KV page and in encoded queries. For the attention kernels and tests.
//
// A page holds the keys (or the values) of 64 slots of one KV head of one layer.
//
// kF16 keys    f16  [4 groups of 16 slots][head_dim][16 slots]
// kF16 values  f16  [head_dim / 32 blocks][64 slots][32 dims]
// kQ8_0 keys   u8   [4 groups of 16 slots][head_dim / 4][16 slots][4 dims], quant + 128
//              f16  [head_dim / 32 blocks][64 slots] scales
// kQ8_0 values i8   [head_dim / 32 blocks][64 slots][32 dims]
//              f16  [head_dim / 32 blocks][64 slots] scales
//
// Keys lie so that one vector holds the same dims of 16 keys: a score is then one chain of adds
// in a lane, and no sum ever crosses lanes. Values lie so that a kernel that keeps the output of
// 32 dims in registers walks straight through memory.
#pragma once

#include <cstddef>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

inline constexpr int kKvBlock = 32;   // dims under one scale, and dims of a block of values
inline constexpr int kKeyGroup = 16;  // slots of a group of keys
inline constexpr int kMaxHeadDim = 256;
/// What 32 elements of one slot take, scale included.
inline constexpr int kF16BlockBytes = 64;
inline constexpr int kQ8BlockBytes = 34;
/// Added to a stored key quant, so that it can be the unsigned operand of vpdpbusd.
inline constexpr int kKeyQuantOffset = 128;

/// Index of a key's element among the page's f16.
[[nodiscard]] constexpr int f16_key_index(int head_dim, int slot, int dim) {
  return (slot / kKeyGroup * head_dim + dim) * kKeyGroup + slot % kKeyGroup;
}

/// Index of a key's quant among the page's bytes.
[[nodiscard]] constexpr int q8_key_index(int head_dim, int slot, int dim) {
  const int lane = (slot / kKeyGroup * (head_dim / 4) + dim / 4) * kKeyGroup + slot % kKeyGroup;
  return lane * 4 + dim % 4;
}

/// Index of a value's element, f16 or quant.
[[nodiscard]] constexpr int value_index(int slot, int dim) {
  return (dim / kKvBlock * kKeysPerPage + slot) * kKvBlock + dim % kKvBlock;
}

/// Index of a slot's scale among the page's scales; they begin after 64 * head_dim quants.
[[nodiscard]] constexpr int kv_scale_index(int slot, int block) {
  return block * kKeysPerPage + slot;
}

[[nodiscard]] constexpr std::size_t kv_scales_offset_bytes(int head_dim) {
  return static_cast<std::size_t>(kKeysPerPage) * static_cast<std::size_t>(head_dim);
}

/// Bytes of one slot: a page of one head is kKeysPerPage times this.
[[nodiscard]] constexpr std::size_t kv_slot_bytes(KvFormat format, int head_dim) {
  const auto dims = static_cast<std::size_t>(head_dim);
  return format == KvFormat::kF16 ? dims * 2 : dims + dims / kKvBlock * 2;
}

// Encoded queries. kF16: float [n_queries][head_dim], already times 1/sqrt(head_dim).
// kQ8_0: n_queries records of
//   i8   [head_dim] quants
//   f32  [head_dim / 32] scales, 1/sqrt(head_dim) folded in before quantising
//   i32  [head_dim / 32] corrections, -128 * sum of the block's quants: takes out the keys' offset

[[nodiscard]] constexpr std::size_t q8_query_record_bytes(int head_dim) {
  const auto dims = static_cast<std::size_t>(head_dim);
  return dims + dims / kKvBlock * (sizeof(float) + sizeof(std::int32_t));
}

[[nodiscard]] constexpr std::size_t encoded_query_bytes(KvFormat format, int n_queries,
                                                        int head_dim) {
  const auto dims = static_cast<std::size_t>(head_dim);
  const std::size_t one =
      format == KvFormat::kF16 ? dims * sizeof(float) : q8_query_record_bytes(head_dim);
  return static_cast<std::size_t>(n_queries) * one;
}

/// One encoded kQ8_0 query.
struct Q8Query {
  const std::int8_t* quants;        // [head_dim]
  const float* scales;              // [head_dim / 32]
  const std::int32_t* corrections;  // [head_dim / 32]

  Q8Query(const std::byte* encoded_queries, int head_dim, int query) {
    const std::byte* record =
        encoded_queries + static_cast<std::size_t>(query) * q8_query_record_bytes(head_dim);
    quants = reinterpret_cast<const std::int8_t*>(record);
    scales = reinterpret_cast<const float*>(record + head_dim);
    corrections = reinterpret_cast<const std::int32_t*>(scales + head_dim / kKvBlock);
  }
};

}  // namespace jevons::kernels
