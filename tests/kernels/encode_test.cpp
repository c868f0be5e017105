// Activation encoders: what they promise, and the same bits from every set.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/float_formats.h"
#include "kernels/kernel_set.h"
#include "tests/kernels/matmul_fixture.h"

namespace jevons::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::byte> encode(const KernelSet& set, ActivationFormat format,
                              const std::vector<float>& x) {
  const auto n = static_cast<int>(x.size());
  std::vector<std::byte> out(activation_bytes(format, n));
  set.encode(format)(x.data(), n, out.data());
  return out;
}

/// Blocks of every kind side by side: ordinary, faulty, tiny, huge, ties, zeros of both signs.
std::vector<float> hostile_activations() {
  std::mt19937 random(3);
  std::vector<float> x;
  for (int b = 0; b < 24; ++b) {
    for (int i = 0; i < kSuperBlock; ++i) {
      const float normal = std::normal_distribution<float>()(random);
      switch (b % 8) {
        case 0:
          x.push_back(normal);
          break;
        case 1:
          x.push_back(normal * 1e37F);
          break;
        case 2:
          x.push_back(normal * 0x1p-102F);
          break;  // around the smallest that counts
        case 3:
          x.push_back(normal * 0x1p-140F);
          break;
        case 4:
          x.push_back(static_cast<float>(i % 255) - 127.0F + (i % 3 == 0 ? 0.5F : 0.0F));
          break;
        case 5:
          x.push_back(i % 2 == 0 ? 0.0F : -0.0F);
          break;
        case 6:
          x.push_back(i == 37 ? kInfinity : i == 38 ? -kInfinity : normal);
          break;
        case 7:
          x.push_back(i % 100 == 99 ? kNan : normal);
          break;
      }
    }
  }
  return x;
}

TEST(Encode, EverySetGivesTheSameBits) {
  const std::vector<float> x = hostile_activations();
  for (const ActivationFormat format : {ActivationFormat::kF32, ActivationFormat::kBF16,
                                        ActivationFormat::kQ8Small, ActivationFormat::kQ8Super}) {
    const auto expected = encode(kernel_set(Isa::kScalar), format, x);
    for (const Isa isa : available_isas()) {
      EXPECT_EQ(encode(kernel_set(isa), format, x), expected)
          << isa_name(isa) << ", format " << static_cast<int>(format);
    }
  }
}

// |x - scale * q|: half a step for the rounding, and what three roundings of the numbers that lead
// there (127 / m, its product with x, m / 127) move: 127 steps times 3 * 2^-24, doubled for ease.
double largest_error(float scale) { return scale * (0.5 + 127.0 * 6.0 * 0x1p-24); }

template <typename Block, int kElements>
void check_block(const Block& block, const float* x) {
  float largest = 0.0F;
  for (int i = 0; i < kElements; ++i) largest = std::max(largest, std::abs(x[i]));
  EXPECT_EQ(block.scale, largest / 127.0F);
  int largest_quant = 0;
  for (int i = 0; i < kElements; ++i) {
    EXPECT_LE(std::abs(static_cast<double>(block.scale) * block.quants[i] - x[i]),
              largest_error(block.scale));
    largest_quant = std::max(largest_quant, std::abs(static_cast<int>(block.quants[i])));
  }
  EXPECT_EQ(largest_quant, 127);
}

TEST(Encode, QuantsAreTheNearestAndSumsAreTheirs) {
  std::mt19937 random(11);
  const std::vector<float> x = make_activations(2048, Content::kRandom, random);
  const auto small_bytes = encode(kernel_set(Isa::kScalar), ActivationFormat::kQ8Small, x);
  for (std::size_t b = 0; b < x.size() / kSmallBlock; ++b) {
    ActivationQ8Small block;
    std::memcpy(&block, small_bytes.data() + b * sizeof(block), sizeof(block));
    check_block<ActivationQ8Small, kSmallBlock>(block, x.data() + b * kSmallBlock);
    int sum = 0;
    for (const std::int8_t quant : block.quants) sum += quant;
    EXPECT_EQ(block.sum, sum);
  }
  const auto super_bytes = encode(kernel_set(Isa::kScalar), ActivationFormat::kQ8Super, x);
  for (std::size_t b = 0; b < x.size() / kSuperBlock; ++b) {
    ActivationQ8Super block;
    std::memcpy(&block, super_bytes.data() + b * sizeof(block), sizeof(block));
    check_block<ActivationQ8Super, kSuperBlock>(block, x.data() + b * kSuperBlock);
    for (int j = 0; j < 16; ++j) {
      int sum = 0;
      for (int i = 16 * j; i < 16 * j + 16; ++i) sum += block.quants[i];
      EXPECT_EQ(block.sums[j], sum);
    }
  }
}

TEST(Encode, TiesGoToTheEvenQuant) {
  std::vector<float> x(kSmallBlock, 0.0F);
  x[0] = 127.0F;  // scale 1
  x[1] = 2.5F;
  x[2] = 3.5F;
  x[3] = -2.5F;
  x[4] = -127.0F;
  for (const Isa isa : available_isas()) {
    const auto bytes = encode(kernel_set(isa), ActivationFormat::kQ8Small, x);
    ActivationQ8Small block;
    std::memcpy(&block, bytes.data(), sizeof(block));
    EXPECT_EQ(block.scale, 1.0F);
    EXPECT_EQ(block.quants[0], 127);
    EXPECT_EQ(block.quants[1], 2);
    EXPECT_EQ(block.quants[2], 4);
    EXPECT_EQ(block.quants[3], -2);
    EXPECT_EQ(block.quants[4], -127);
  }
}

TEST(Encode, ZerosHaveScaleZeroAndFaultsHaveScaleNan) {
  for (const Isa isa : available_isas()) {
    for (const float value : {0.0F, kInfinity, -kInfinity, kNan}) {
      std::vector<float> x(kSuperBlock, value == 0.0F ? 0.0F : 1.0F);
      x[200] = value;
      const auto bytes = encode(kernel_set(isa), ActivationFormat::kQ8Super, x);
      ActivationQ8Super block;
      std::memcpy(&block, bytes.data(), sizeof(block));
      if (value == 0.0F) {
        EXPECT_EQ(std::bit_cast<std::uint32_t>(block.scale), 0U);
      } else {
        EXPECT_TRUE(std::isnan(block.scale));
      }
      for (const std::int8_t quant : block.quants) EXPECT_EQ(quant, 0);
      for (const std::int16_t sum : block.sums) EXPECT_EQ(sum, 0);
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
