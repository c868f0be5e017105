// Dequantisation against blocks packed bit by bit from the description of the GGUF formats: for
// each element, which bits of which byte hold it.
#include "kernels/dequantize.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernels/float_formats.h"

namespace jevons::kernels {
namespace {

/// What a block is to hold, and the floats that come of it.
class DequantizeTest : public testing::Test {
 protected:
  int draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  f16 draw_half() { return float_to_f16(std::normal_distribution<float>(0.0F, 0.1F)(random_)); }
  std::vector<int> draw_many(int n, int n_values) {
    std::vector<int> out(static_cast<std::size_t>(n));
    for (int& value : out) value = draw(n_values);
    return out;
  }

  template <typename Block>
  void expect_values(WeightFormat format, const Block& block, const std::vector<double>& expected) {
    std::byte bytes[sizeof(Block)];
    std::memcpy(bytes, &block, sizeof(Block));
    std::vector<float> actual(expected.size());
    dequantize_row(format, bytes, actual.data(), static_cast<int>(actual.size()));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(actual[i], static_cast<float>(expected[i])) << facts(format).name << " " << i;
    }
  }

  std::mt19937 random_{42};
};

constexpr int kRepeats = 50;

void put(std::uint8_t& byte, int shift, int value) {
  byte = static_cast<std::uint8_t>(byte | value << shift);
}

TEST_F(DequantizeTest, Numbers) {
  const float floats[] = {1.5F, -2.25F, 0.0F, 1e-40F};
  std::byte bytes[sizeof(floats)];
  std::memcpy(bytes, floats, sizeof(floats));
  float out[4];
  dequantize_row(WeightFormat::kF32, bytes, out, 4);
  EXPECT_EQ(std::memcmp(out, floats, sizeof(floats)), 0);
  const std::uint16_t halves[] = {0x3C00, 0xC000, 0x0001};
  std::memcpy(bytes, halves, sizeof(halves));
  dequantize_row(WeightFormat::kF16, bytes, out, 3);
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], -2.0F);
  EXPECT_EQ(out[2], 0x1p-24F);
  const std::uint16_t brains[] = {0x3F80, 0xC040, 0x0001};
  std::memcpy(bytes, brains, sizeof(brains));
  dequantize_row(WeightFormat::kBF16, bytes, out, 3);
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], -3.0F);
  EXPECT_EQ(out[2], 0x1p-133F);
}

// Worked out on paper: scale 0.5; the first byte 0x1F holds elements 0 (15 - 8 = 7) and 16
// (1 - 8 = -7), the last byte 0xA0 elements 15 (-8) and 31 (10 - 8 = 2).
TEST_F(DequantizeTest, Q4_0OnPaper) {
  BlockQ4_0 block{0x3800, {}};
  for (std::uint8_t& byte : block.quants) byte = 0x88;
  block.quants[0] = 0x1F;
  block.quants[15] = 0xA0;
  std::vector<double> expected(32, 0.0);
  expected[0] = 3.5;
  expected[16] = -3.5;
  expected[15] = -4.0;
  expected[31] = 1.0;
  expect_values(WeightFormat::kQ4_0, block, expected);
}

// Scale 2, word 0x80000001: elements 0 and 31 have the fifth bit, so 16 - 16 + their nibbles.
TEST_F(DequantizeTest, Q5_0OnPaper) {
  BlockQ5_0 block{0x4000, {0x01, 0x00, 0x00, 0x80}, {}};
  block.quants[0] = 0x03;
  block.quants[15] = 0xF0;
  std::vector<double> expected(32, -32.0);
  expected[0] = 6.0;
  expected[31] = 30.0;
  expect_values(WeightFormat::kQ5_0, block, expected);
}

TEST_F(DequantizeTest, Q8_0) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockQ8_0 block{draw_half(), {}};
    std::vector<double> expected;
    for (std::int8_t& quant : block.quants) {
      quant = static_cast<std::int8_t>(draw(256) - 128);
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) * quant);
    }
    expect_values(WeightFormat::kQ8_0, block, expected);
  }
}

TEST_F(DequantizeTest, SmallBlocksOfFourAndFiveBits) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const f16 scale = draw_half();
    const f16 minimum = draw_half();
    const double d = f16_to_float(scale);
    const double m = f16_to_float(minimum);
    BlockQ4_0 q40{scale, {}};
    BlockQ4_1 q41{scale, minimum, {}};
    BlockQ5_0 q50{scale, {}, {}};
    BlockQ5_1 q51{scale, minimum, {}, {}};
    std::vector<double> expected[4];
    for (int i = 0; i < 32; ++i) {
      const int q = draw(32);
      const int low = q % 16;
      const int shift = i < 16 ? 0 : 4;
      for (std::uint8_t* quants : {q40.quants, q41.quants, q50.quants, q51.quants}) {
        put(quants[i % 16], shift, low);
      }
      for (std::uint8_t* high : {q50.high_bits, q51.high_bits}) put(high[i / 8], i % 8, q / 16);
      expected[0].push_back(d * (low - 8));
      expected[1].push_back(d * low + m);
      expected[2].push_back(d * (q - 16));
      expected[3].push_back(d * q + m);
    }
    expect_values(WeightFormat::kQ4_0, q40, expected[0]);
    expect_values(WeightFormat::kQ4_1, q41, expected[1]);
    expect_values(WeightFormat::kQ5_0, q50, expected[2]);
    expect_values(WeightFormat::kQ5_1, q51, expected[3]);
  }
}

// Eight scales and minimums of six bits in twelve bytes: the first four whole in the low six bits
// of bytes 0..3 and 4..7; of the last four the low nibbles in bytes 8..11 (scale below, minimum
// above) and the upper two bits at the tops of bytes 0..3 (scales) and 4..7 (minimums).
void pack_six_bit_scales(std::uint8_t* bytes, const std::vector<int>& scales,
                         const std::vector<int>& minimums) {
  for (std::size_t j = 0; j < 4; ++j) {
    put(bytes[j], 0, scales[j]);
    put(bytes[j + 4], 0, minimums[j]);
    put(bytes[j + 8], 0, scales[j + 4] % 16);
    put(bytes[j + 8], 4, minimums[j + 4] % 16);
    put(bytes[j], 6, scales[j + 4] / 16);
    put(bytes[j + 4], 6, minimums[j + 4] / 16);
  }
}

TEST_F(DequantizeTest, Q4_KAndQ5_K) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const f16 scale = draw_half();
    const f16 minimum = draw_half();
    const auto scales = draw_many(8, 64);
    const auto minimums = draw_many(8, 64);
    BlockQ4_K q4{scale, minimum, {}, {}};
    BlockQ5_K q5{scale, minimum, {}, {}, {}};
    pack_six_bit_scales(q4.scales, scales, minimums);
    pack_six_bit_scales(q5.scales, scales, minimums);
    std::vector<double> expected4;
    std::vector<double> expected5;
    for (int i = 0; i < 256; ++i) {
      const int q = draw(32);
      const int byte = i / 64 * 32 + i % 32;  // 32 bytes hold 64 elements
      const int shift = i % 64 < 32 ? 0 : 4;
      put(q4.quants[byte], shift, q % 16);
      put(q5.quants[byte], shift, q % 16);
      put(q5.high_bits[i % 32], i / 32, q / 16);
      const auto j = static_cast<std::size_t>(i) / 32;
      const double d = static_cast<double>(f16_to_float(scale)) * scales[j];
      const double m = static_cast<double>(f16_to_float(minimum)) * minimums[j];
      expected4.push_back(d * (q % 16) - m);
      expected5.push_back(d * q - m);
    }
    expect_values(WeightFormat::kQ4_K, q4, expected4);
    expect_values(WeightFormat::kQ5_K, q5, expected5);
  }
}

TEST_F(DequantizeTest, Q6_K) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockQ6_K block{};
    block.scale = draw_half();
    for (std::int8_t& scale : block.scales) scale = static_cast<std::int8_t>(draw(256) - 128);
    std::vector<double> expected;
    for (int i = 0; i < 256; ++i) {
      const int q = draw(64);
      const int half = i / 128;
      const int in_half = i % 128;  // low nibbles: 0..63, high nibbles: 64..127 of 64 bytes
      put(block.low_bits[64 * half + in_half % 64], in_half / 64 * 4, q % 16);
      put(block.high_bits[32 * half + in_half % 32], in_half / 32 * 2, q / 16);
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) * block.scales[i / 16] *
                         (q - 32));
    }
    expect_values(WeightFormat::kQ6_K, block, expected);
  }
}

TEST_F(DequantizeTest, Q2_K) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockQ2_K block{};
    block.scale = draw_half();
    block.minimum = draw_half();
    const auto scales = draw_many(16, 16);
    const auto minimums = draw_many(16, 16);
    for (std::size_t j = 0; j < 16; ++j) {
      put(block.scales[j], 0, scales[j]);
      put(block.scales[j], 4, minimums[j]);
    }
    std::vector<double> expected;
    for (int i = 0; i < 256; ++i) {
      const int q = draw(4);
      put(block.quants[i / 128 * 32 + i % 32], i % 128 / 32 * 2, q);
      const auto j = static_cast<std::size_t>(i) / 16;
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) * scales[j] * q -
                         static_cast<double>(f16_to_float(block.minimum)) * minimums[j]);
    }
    expect_values(WeightFormat::kQ2_K, block, expected);
  }
}

TEST_F(DequantizeTest, Q3_K) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockQ3_K block{};
    block.scale = draw_half();
    const auto scales = draw_many(16, 64);  // 32 too large
    for (int j = 0; j < 16; ++j) {
      const int scale = scales[static_cast<std::size_t>(j)];
      put(block.scales[j % 8], j / 8 * 4, scale % 16);
      put(block.scales[8 + j % 4], j / 4 * 2, scale / 16);
    }
    std::vector<double> expected;
    for (int i = 0; i < 256; ++i) {
      const int q = draw(8);  // 4 too large
      put(block.quants[i / 128 * 32 + i % 32], i % 128 / 32 * 2, q % 4);
      put(block.high_bits[i % 32], i / 32, q / 4);
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) *
                         (scales[static_cast<std::size_t>(i) / 16] - 32) * (q - 4));
    }
    expect_values(WeightFormat::kQ3_K, block, expected);
  }
}

constexpr int kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                             1,    13,   25,  38,  53,  69,  89,  113};

TEST_F(DequantizeTest, Iq4Nl) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockIQ4_NL block{draw_half(), {}};
    std::vector<double> expected;
    for (int i = 0; i < 32; ++i) {
      const int index = draw(16);
      put(block.quants[i % 16], i / 16 * 4, index);
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) * kValues[index]);
    }
    expect_values(WeightFormat::kIQ4_NL, block, expected);
  }
}

TEST_F(DequantizeTest, Iq4Xs) {
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    BlockIQ4_XS block{};
    block.scale = draw_half();
    const auto scales = draw_many(8, 64);  // 32 too large
    for (int j = 0; j < 8; ++j) {
      const int scale = scales[static_cast<std::size_t>(j)];
      put(block.scales_low[j / 2], j % 2 * 4, scale % 16);
      block.scales_high = static_cast<std::uint16_t>(block.scales_high | (scale / 16) << (2 * j));
    }
    std::vector<double> expected;
    for (int i = 0; i < 256; ++i) {
      const int index = draw(16);
      put(block.quants[i / 32 * 16 + i % 16], i % 32 / 16 * 4, index);
      expected.push_back(static_cast<double>(f16_to_float(block.scale)) *
                         (scales[static_cast<std::size_t>(i) / 32] - 32) * kValues[index]);
    }
    expect_values(WeightFormat::kIQ4_XS, block, expected);
  }
}

TEST_F(DequantizeTest, BlocksOfARowFollowOneAnother) {
  BlockQ8_0 blocks[3]{};
  for (int b = 0; b < 3; ++b) {
    blocks[b].scale = float_to_f16(static_cast<float>(b + 1));
    blocks[b].quants[b] = 100;
  }
  std::byte bytes[sizeof(blocks)];
  std::memcpy(bytes, blocks, sizeof(blocks));
  float out[96];
  dequantize_row(WeightFormat::kQ8_0, bytes, out, 96);
  for (int i = 0; i < 96; ++i) {
    EXPECT_EQ(out[i], i == 0 ? 100.0F : i == 33 ? 200.0F : i == 66 ? 300.0F : 0.0F) << i;
  }
}

}  // namespace
}  // namespace jevons::kernels
