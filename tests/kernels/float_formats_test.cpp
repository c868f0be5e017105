// Every narrow float against its definition in double arithmetic.
#include "kernels/float_formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace jevons::kernels {
namespace {

/// The value of a float with the given fields, from IEEE 754's formula.
double value_of(int sign, int exponent, int fraction, int fraction_bits, int bias) {
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, 1 - bias - fraction_bits)
                    : std::ldexp(fraction + (1 << fraction_bits), exponent - bias - fraction_bits);
  return sign != 0 ? -magnitude : magnitude;
}

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

TEST(FloatFormats, EveryHalfIsItsValue) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto exponent = static_cast<int>(bits >> 10 & 31);
    const auto fraction = static_cast<int>(bits & 1023);
    const float actual = f16_to_float(static_cast<f16>(bits));
    EXPECT_EQ(std::signbit(actual), (bits & 0x8000) != 0);
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(actual), fraction != 0);
      EXPECT_EQ(std::isinf(actual), fraction == 0);
    } else {
      EXPECT_EQ(actual, value_of(static_cast<int>(bits >> 15), exponent, fraction, 10, 15)) << bits;
    }
  }
}

TEST(FloatFormats, EveryHalfComesBack) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<f16>(bits);
    const float value = f16_to_float(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(value)))) << bits;
    } else {
      EXPECT_EQ(float_to_f16(value), half);
    }
  }
}

// Between two neighbours the middle goes to the even one, and everything else to the nearer one.
TEST(FloatFormats, FloatsRoundToTheNearestHalf) {
  for (unsigned bits = 0; bits < 0x7C00; ++bits) {
    const auto lower = static_cast<f16>(bits);
    const auto upper = static_cast<f16>(bits + 1);
    const float above = bits == 0x7BFF ? 65536.0F : f16_to_float(upper);
    const float middle = (f16_to_float(lower) + above) / 2.0F;  // exact
    EXPECT_EQ(float_to_f16(middle), bits % 2 == 0 ? lower : upper) << bits;
    EXPECT_EQ(float_to_f16(std::nextafter(middle, 0.0F)), lower) << bits;
    EXPECT_EQ(float_to_f16(std::nextafter(middle, 1e9F)), upper) << bits;
    EXPECT_EQ(float_to_f16(-middle), float_to_f16(middle) | 0x8000) << bits;
  }
  EXPECT_EQ(float_to_f16(1e30F), 0x7C00);
  EXPECT_EQ(float_to_f16(-std::numeric_limits<float>::infinity()), 0xFC00);
  EXPECT_EQ(float_to_f16(std::numeric_limits<float>::denorm_min()), 0);
}

TEST(FloatFormats, EveryBf16IsTheUpperHalfOfItsFloatAndComesBack) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const auto value = static_cast<bf16>(bits);
    const float wide = bf16_to_float(value);
    EXPECT_EQ(bits_of(wide), bits << 16);
    if (std::isnan(wide)) {
      EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(wide)))) << bits;
    } else {
      EXPECT_EQ(float_to_bf16(wide), value);
    }
  }
  // A NaN whose only bits are in the lower half must not become infinity.
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(std::bit_cast<float>(0x7F800001U)))));
}

TEST(FloatFormats, FloatsRoundToTheNearestBf16) {
  for (unsigned bits = 0; bits < 0x7F80; ++bits) {
    const auto upper = static_cast<bf16>(bits + 1);
    const auto middle = std::bit_cast<float>(bits << 16 | 0x8000U);
    EXPECT_EQ(float_to_bf16(middle), bits % 2 == 0 ? bits : upper) << bits;
    EXPECT_EQ(float_to_bf16(std::bit_cast<float>(bits << 16 | 0x7FFFU)), bits);
    EXPECT_EQ(float_to_bf16(std::bit_cast<float>(bits << 16 | 0x8001U)), upper);
    EXPECT_EQ(float_to_bf16(-middle), float_to_bf16(middle) | 0x8000) << bits;
  }
}

TEST(FloatFormats, EveryFp8IsItsValue) {
  for (unsigned bits = 0; bits < 256; ++bits) {
    const float actual = fp8_e4m3_to_float(static_cast<std::uint8_t>(bits));
    if ((bits & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(actual));
      continue;
    }
    const auto exponent = static_cast<int>(bits >> 3 & 15);
    const auto fraction = static_cast<int>(bits & 7);
    EXPECT_EQ(actual, value_of(static_cast<int>(bits >> 7), exponent, fraction, 3, 7)) << bits;
    EXPECT_EQ(std::signbit(actual), bits >= 128);
  }
  EXPECT_EQ(fp8_e4m3_to_float(0x7E), 448.0F);
  EXPECT_EQ(fp8_e4m3_to_float(0x01), std::ldexp(1.0F, -9));
}

}  // namespace
}  // namespace jevons::kernels
