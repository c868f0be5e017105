// How weights and activations lie in memory. The weight blocks are GGUF's, as files have them;
// the layouts are those of the GGUF specification and ggml's block structures.
#pragma once

#include <cstddef>
#include <cstdint>

namespace jevons::kernels {

/// The values are GGUF's tensor type ids.
enum class WeightFormat : std::uint8_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
};

/// Every format that can be computed with, in the order of its GGUF id.
inline constexpr WeightFormat kAllWeightFormats[] = {
    WeightFormat::kF32,    WeightFormat::kF16,    WeightFormat::kQ4_0, WeightFormat::kQ4_1,
    WeightFormat::kQ5_0,   WeightFormat::kQ5_1,   WeightFormat::kQ8_0, WeightFormat::kQ2_K,
    WeightFormat::kQ3_K,   WeightFormat::kQ4_K,   WeightFormat::kQ5_K, WeightFormat::kQ6_K,
    WeightFormat::kIQ4_NL, WeightFormat::kIQ4_XS, WeightFormat::kBF16};

inline constexpr int kSmallBlock = 32;   // elements of a Q4_0-like block
inline constexpr int kSuperBlock = 256;  // elements of a K-quant block

/// IEEE half as stored; kernels/float_formats.h converts.
using f16 = std::uint16_t;
/// The upper half of an IEEE float.
using bf16 = std::uint16_t;

struct BlockQ4_0 {
  f16 scale;
  std::uint8_t quants[16];  // low nibbles: elements 0..15, high: 16..31; value = q - 8
};
struct BlockQ4_1 {
  f16 scale, minimum;
  std::uint8_t quants[16];  // value = scale * q + minimum
};
struct BlockQ5_0 {
  f16 scale;
  std::uint8_t high_bits[4];  // bit i of the little-endian word: bit 4 of element i
  std::uint8_t quants[16];    // value = scale * (q - 16)
};
struct BlockQ5_1 {
  f16 scale, minimum;
  std::uint8_t high_bits[4];
  std::uint8_t quants[16];
};
struct BlockQ8_0 {
  f16 scale;
  std::int8_t quants[32];
};
struct BlockQ2_K {
  std::uint8_t scales[16];  // for each 16 elements: low nibble scale, high nibble minimum
  std::uint8_t quants[64];
  f16 scale, minimum;
};
struct BlockQ3_K {
  std::uint8_t high_bits[32];
  std::uint8_t quants[64];
  std::uint8_t scales[12];  // sixteen 6-bit scales, packed, offset 32
  f16 scale;
};
struct BlockQ4_K {
  f16 scale, minimum;
  std::uint8_t scales[12];  // eight 6-bit scales and eight 6-bit minimums, packed
  std::uint8_t quants[128];
};
struct BlockQ5_K {
  f16 scale, minimum;
  std::uint8_t scales[12];
  std::uint8_t high_bits[32];
  std::uint8_t quants[128];
};
struct BlockQ6_K {
  std::uint8_t low_bits[128];
  std::uint8_t high_bits[64];
  std::int8_t scales[16];  // for each 16 elements; value = scale * scales[i] * (q - 32)
  f16 scale;
};
struct BlockIQ4_NL {
  f16 scale;
  std::uint8_t quants[16];  // indices into kIq4Values
};
struct BlockIQ4_XS {
  f16 scale;
  std::uint16_t scales_high;
  std::uint8_t scales_low[4];
  std::uint8_t quants[128];
};
static_assert(sizeof(BlockQ4_0) == 18 && sizeof(BlockQ4_1) == 20 && sizeof(BlockQ5_0) == 22);
static_assert(sizeof(BlockQ5_1) == 24 && sizeof(BlockQ8_0) == 34 && sizeof(BlockQ2_K) == 84);
static_assert(sizeof(BlockQ3_K) == 110 && sizeof(BlockQ4_K) == 144 && sizeof(BlockQ5_K) == 176);
static_assert(sizeof(BlockQ6_K) == 210 && sizeof(BlockIQ4_NL) == 18 && sizeof(BlockIQ4_XS) == 136);

struct FormatFacts {
  const char* name;    // as GGUF tools spell it: "Q4_K"
  int block_elements;  // a row's length must be a multiple of this
  int block_bytes;
};

[[nodiscard]] constexpr FormatFacts facts(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32:
      return {"F32", 1, 4};
    case WeightFormat::kF16:
      return {"F16", 1, 2};
    case WeightFormat::kBF16:
      return {"BF16", 1, 2};
    case WeightFormat::kQ4_0:
      return {"Q4_0", 32, 18};
    case WeightFormat::kQ4_1:
      return {"Q4_1", 32, 20};
    case WeightFormat::kQ5_0:
      return {"Q5_0", 32, 22};
    case WeightFormat::kQ5_1:
      return {"Q5_1", 32, 24};
    case WeightFormat::kQ8_0:
      return {"Q8_0", 32, 34};
    case WeightFormat::kQ2_K:
      return {"Q2_K", 256, 84};
    case WeightFormat::kQ3_K:
      return {"Q3_K", 256, 110};
    case WeightFormat::kQ4_K:
      return {"Q4_K", 256, 144};
    case WeightFormat::kQ5_K:
      return {"Q5_K", 256, 176};
    case WeightFormat::kQ6_K:
      return {"Q6_K", 256, 210};
    case WeightFormat::kIQ4_NL:
      return {"IQ4_NL", 32, 18};
    case WeightFormat::kIQ4_XS:
      return {"IQ4_XS", 256, 136};
  }
  return {"?", 1, 0};
}

/// Bytes of one row of `n_columns` elements; `n_columns` is a multiple of the block.
[[nodiscard]] constexpr std::size_t row_bytes(WeightFormat format, std::int64_t n_columns) {
  const FormatFacts f = facts(format);
  return static_cast<std::size_t>(n_columns / f.block_elements) *
         static_cast<std::size_t>(f.block_bytes);
}

/// How a matrix kernel wants the vector it multiplies with.
enum class ActivationFormat : std::uint8_t { kF32, kBF16, kQ8Small, kQ8Super };

/// 32 activations in int8. scale = max|x| / 127; value = scale * q.
struct ActivationQ8Small {
  float scale;
  std::int32_t sum;  // of the quants: what a block's minimum or offset is multiplied with
  std::int8_t quants[32];
};

/// 256 activations in int8 under one scale, with the sums of each 16 for the K-quants' minimums.
struct ActivationQ8Super {
  float scale;
  std::int16_t sums[16];
  std::int8_t quants[256];
};

/// Bytes of `n_columns` activations in `format`.
[[nodiscard]] constexpr std::size_t activation_bytes(ActivationFormat format,
                                                     std::int64_t n_columns) {
  const auto n = static_cast<std::size_t>(n_columns);
  switch (format) {
    case ActivationFormat::kF32:
      return n * sizeof(float);
    case ActivationFormat::kBF16:
      return n * sizeof(bf16);
    case ActivationFormat::kQ8Small:
      return n / kSmallBlock * sizeof(ActivationQ8Small);
    case ActivationFormat::kQ8Super:
      return n / kSuperBlock * sizeof(ActivationQ8Super);
  }
  return 0;
}

}  // namespace jevons::kernels
