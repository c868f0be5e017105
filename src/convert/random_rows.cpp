#include "convert/random_rows.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "convert/scale_packing.h"
#include "kernels/float_formats.h"

namespace jevons {
namespace {

using kernels::bf16;
using kernels::BlockIQ4_NL;
using kernels::BlockIQ4_XS;
using kernels::BlockQ2_K;
using kernels::BlockQ3_K;
using kernels::BlockQ4_0;
using kernels::BlockQ4_1;
using kernels::BlockQ4_K;
using kernels::BlockQ5_0;
using kernels::BlockQ5_1;
using kernels::BlockQ5_K;
using kernels::BlockQ6_K;
using kernels::BlockQ8_0;
using kernels::f16;
using kernels::float_to_bf16;
using kernels::float_to_f16;
using kernels::WeightFormat;

/// The z for which a normal variable is below z with probability p.
double normal_quantile(double p) {
  double low = -8.0;
  double high = 8.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = 0.5 * (low + high);
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// Turns a random byte into a quant, so that quants 0 to n_levels - 1 are normal around a centre.
struct QuantTable {
  std::array<std::uint8_t, 256> quants;
  double mean = 0;       // of the quants
  double deviation = 0;  // around the mean

  QuantTable(int n_levels, double center, double spread) {
    double square = 0;
    for (std::size_t i = 0; i < 256; ++i) {
      const double z = normal_quantile((static_cast<double>(i) + 0.5) / 256.0);
      const double level = std::clamp(std::round(center + spread * z), 0.0, n_levels - 1.0);
      quants[i] = static_cast<std::uint8_t>(level);
      mean += level / 256.0;
      square += level * level / 256.0;
    }
    deviation = std::sqrt(square - mean * mean);
  }

  [[nodiscard]] float deviation_f32() const { return static_cast<float>(deviation); }
  [[nodiscard]] float mean_f32() const { return static_cast<float>(mean); }
};

/// The values that an IQ4 quant stands for, and how often each is drawn.
constexpr int kIq4Levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                1,    13,   25,  38,  53,  69,  89,  113};

struct Iq4Table {
  std::array<std::uint8_t, 256> quants;
  double deviation = 0;

  Iq4Table() {
    for (std::size_t i = 0; i < 256; ++i) {
      const double value = 45.0 * normal_quantile((static_cast<double>(i) + 0.5) / 256.0);
      const auto* nearest = std::min_element(
          std::begin(kIq4Levels), std::end(kIq4Levels),
          [value](int a, int b) { return std::abs(a - value) < std::abs(b - value); });
      quants[i] = static_cast<std::uint8_t>(nearest - std::begin(kIq4Levels));
      deviation += static_cast<double>(*nearest) * *nearest / 256.0;
    }
    deviation = std::sqrt(deviation);
  }
};

const QuantTable& levels_of_4() {
  static const QuantTable kTable(4, 1.5, 0.9);
  return kTable;
}
const QuantTable& levels_of_8() {
  static const QuantTable kTable(8, 4.0, 1.4);
  return kTable;
}
// Quants that a format takes 8 or 16 from lie around that; the others around their middle.
const QuantTable& levels_around_8() {
  static const QuantTable kTable(16, 8.0, 2.7);
  return kTable;
}
const QuantTable& levels_around_16() {
  static const QuantTable kTable(32, 16.0, 5.4);
  return kTable;
}
const QuantTable& levels_of_16() {
  static const QuantTable kTable(16, 7.5, 2.7);
  return kTable;
}
const QuantTable& levels_of_32() {
  static const QuantTable kTable(32, 15.5, 5.4);
  return kTable;
}
const QuantTable& levels_of_64() {
  static const QuantTable kTable(64, 32.0, 10.5);
  return kTable;
}
const QuantTable& levels_of_256() {
  static const QuantTable kTable(256, 128.0, 42.0);
  return kTable;
}
const Iq4Table& levels_of_iq4() {
  static const Iq4Table kTable;
  return kTable;
}

/// Draws quants, eight for each random number.
template <typename Table>
class QuantSource {
 public:
  QuantSource(const Table& table, RandomNumbers& random) : table_(table), random_(random) {}

  unsigned next() {
    if (n_left_ == 0) {
      bytes_ = random_.next();
      n_left_ = 8;
    }
    --n_left_;
    const unsigned quant = table_.quants[bytes_ & 0xff];
    bytes_ >>= 8;
    return quant;
  }

  /// Two 4-bit quants in a byte.
  std::uint8_t next_pair() {
    const unsigned low = next();
    return static_cast<std::uint8_t>(low | next() << 4);
  }

 private:
  const Table& table_;
  RandomNumbers& random_;
  std::uint64_t bytes_ = 0;
  int n_left_ = 0;
};

/// Blocks differ in scale by up to a quarter, as those of real weights do.
float jitter(RandomNumbers& random) { return 0.75f + 0.5f * random.uniform(); }

// Root of the mean square of a 6-bit scale less 32, drawn evenly.
constexpr float kEvenScale = 18.5f;

void fill(BlockQ4_0& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_around_8(), random);
  block.scale = float_to_f16(jitter(random) * deviation / levels_around_8().deviation_f32());
  for (std::uint8_t& pair : block.quants) pair = source.next_pair();
}

void fill(BlockQ4_1& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_16(), random);
  const float scale = jitter(random) * deviation / levels_of_16().deviation_f32();
  block.scale = float_to_f16(scale);
  block.minimum = float_to_f16(-scale * levels_of_16().mean_f32());
  for (std::uint8_t& pair : block.quants) pair = source.next_pair();
}

/// Five-bit quants: nibbles of element i and i + 16 in byte i, the fifth bits in one word.
void fill_5_bits(const QuantTable& table, RandomNumbers& random, std::uint8_t* high_bits,
                 std::uint8_t* quants) {
  QuantSource source(table, random);
  std::uint32_t high = 0;
  for (unsigned i = 0; i < 16; ++i) {
    const unsigned first = source.next();
    const unsigned second = source.next();
    quants[i] = static_cast<std::uint8_t>((first & 15) | (second & 15) << 4);
    high |= (first >> 4) << i | (second >> 4) << (i + 16);
  }
  std::memcpy(high_bits, &high, sizeof high);
}

void fill(BlockQ5_0& block, float deviation, RandomNumbers& random) {
  block.scale = float_to_f16(jitter(random) * deviation / levels_around_16().deviation_f32());
  fill_5_bits(levels_around_16(), random, block.high_bits, block.quants);
}

void fill(BlockQ5_1& block, float deviation, RandomNumbers& random) {
  const float scale = jitter(random) * deviation / levels_of_32().deviation_f32();
  block.scale = float_to_f16(scale);
  block.minimum = float_to_f16(-scale * levels_of_32().mean_f32());
  fill_5_bits(levels_of_32(), random, block.high_bits, block.quants);
}

void fill(BlockQ8_0& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_256(), random);
  block.scale = float_to_f16(jitter(random) * deviation / levels_of_256().deviation_f32());
  for (std::int8_t& quant : block.quants) {
    quant = static_cast<std::int8_t>(static_cast<int>(source.next()) - 128);
  }
}

void fill(BlockQ2_K& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_4(), random);
  for (std::uint8_t& scales : block.scales) {
    const std::uint32_t scale = 8 + random.below(8);
    scales = static_cast<std::uint8_t>(scale | scale << 4);
  }
  const float scale = deviation / (11.7f * levels_of_4().deviation_f32());
  block.scale = float_to_f16(scale);
  block.minimum = float_to_f16(scale * levels_of_4().mean_f32());
  for (std::uint8_t& quants : block.quants) {
    unsigned four = 0;
    for (int i = 0; i < 4; ++i) four = four << 2 | source.next();
    quants = static_cast<std::uint8_t>(four);
  }
}

void fill(BlockQ3_K& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_8(), random);
  for (std::uint8_t& scales : block.scales) scales = static_cast<std::uint8_t>(random.below(256));
  block.scale = float_to_f16(deviation / (kEvenScale * levels_of_8().deviation_f32()));
  std::memset(block.high_bits, 0, sizeof block.high_bits);
  for (unsigned half = 0; half < 2; ++half) {
    for (unsigned i = 0; i < 32; ++i) {
      unsigned low = 0;
      unsigned high = 0;
      for (unsigned group = 0; group < 4; ++group) {
        const unsigned quant = source.next();
        low |= (quant & 3) << (2 * group);
        high |= (quant >> 2) << (4 * half + group);
      }
      block.quants[32 * half + i] = static_cast<std::uint8_t>(low);
      block.high_bits[i] = static_cast<std::uint8_t>(block.high_bits[i] | high);
    }
  }
}

/// Scales of Q4_K and Q5_K: each minimum near its scale, so that the values lie around zero.
void fill_k_scales(std::uint8_t* packed, RandomNumbers& random) {
  std::uint8_t scales[8];
  std::uint8_t minimums[8];
  for (int i = 0; i < 8; ++i) {
    scales[i] = static_cast<std::uint8_t>(40 + random.below(23));
    minimums[i] = static_cast<std::uint8_t>(scales[i] - 1 + random.below(3));
  }
  pack_k_scales(scales, minimums, packed);
}
constexpr float kTypicalKScale = 51.4f;

void fill(BlockQ4_K& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_16(), random);
  fill_k_scales(block.scales, random);
  const float scale =
      jitter(random) * deviation / (kTypicalKScale * levels_of_16().deviation_f32());
  block.scale = float_to_f16(scale);
  block.minimum = float_to_f16(scale * levels_of_16().mean_f32());
  for (std::uint8_t& pair : block.quants) pair = source.next_pair();
}

void fill(BlockQ5_K& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_32(), random);
  fill_k_scales(block.scales, random);
  const float scale =
      jitter(random) * deviation / (kTypicalKScale * levels_of_32().deviation_f32());
  block.scale = float_to_f16(scale);
  block.minimum = float_to_f16(scale * levels_of_32().mean_f32());
  std::memset(block.high_bits, 0, sizeof block.high_bits);
  for (unsigned group = 0; group < 4; ++group) {
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned first = source.next();
      const unsigned second = source.next();
      block.quants[32 * group + i] = static_cast<std::uint8_t>((first & 15) | (second & 15) << 4);
      block.high_bits[i] = static_cast<std::uint8_t>(
          block.high_bits[i] | (first >> 4) << (2 * group) | (second >> 4) << (2 * group + 1));
    }
  }
}

void fill(BlockQ6_K& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_64(), random);
  for (std::int8_t& scale : block.scales) {
    const auto size = static_cast<int>(32 + random.below(64));
    scale = static_cast<std::int8_t>(random.below(2) == 0 ? size : -size);
  }
  block.scale = float_to_f16(deviation / (66.2f * levels_of_64().deviation_f32()));
  for (unsigned half = 0; half < 2; ++half) {
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned q[4] = {source.next(), source.next(), source.next(), source.next()};
      std::uint8_t* low = block.low_bits + 64 * half;
      low[i] = static_cast<std::uint8_t>((q[0] & 15) | (q[2] & 15) << 4);
      low[i + 32] = static_cast<std::uint8_t>((q[1] & 15) | (q[3] & 15) << 4);
      block.high_bits[32 * half + i] = static_cast<std::uint8_t>(
          q[0] >> 4 | (q[1] >> 4) << 2 | (q[2] >> 4) << 4 | (q[3] >> 4) << 6);
    }
  }
}

void fill(BlockIQ4_NL& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_iq4(), random);
  block.scale =
      float_to_f16(jitter(random) * deviation / static_cast<float>(levels_of_iq4().deviation));
  for (std::uint8_t& pair : block.quants) pair = source.next_pair();
}

void fill(BlockIQ4_XS& block, float deviation, RandomNumbers& random) {
  QuantSource source(levels_of_iq4(), random);
  block.scales_high = static_cast<std::uint16_t>(random.below(1 << 16));
  for (std::uint8_t& low : block.scales_low) low = static_cast<std::uint8_t>(random.below(256));
  block.scale =
      float_to_f16(deviation / (kEvenScale * static_cast<float>(levels_of_iq4().deviation)));
  for (std::uint8_t& pair : block.quants) pair = source.next_pair();
}

template <typename Block>
void fill_blocks(float deviation, RandomNumbers& random, std::int64_t n_blocks, std::byte* out) {
  for (std::int64_t i = 0; i < n_blocks; ++i) {
    Block block;
    fill(block, deviation, random);
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof block, &block, sizeof block);
  }
}

template <typename Stored, typename Convert>
void fill_floats(float deviation, RandomNumbers& random, std::int64_t n, std::byte* out,
                 Convert convert) {
  for (std::int64_t i = 0; i < n; ++i) {
    const Stored stored = convert(deviation * random.normal());
    std::memcpy(out + static_cast<std::size_t>(i) * sizeof stored, &stored, sizeof stored);
  }
}

}  // namespace

void fill_random_row(WeightFormat format, float deviation, RandomNumbers& random,
                     std::int64_t n_columns, std::byte* out) {
  const std::int64_t n_blocks = n_columns / kernels::facts(format).block_elements;
  switch (format) {
    case WeightFormat::kF32:
      return fill_floats<float>(deviation, random, n_columns, out, [](float x) { return x; });
    case WeightFormat::kF16:
      return fill_floats<f16>(deviation, random, n_columns, out, float_to_f16);
    case WeightFormat::kBF16:
      return fill_floats<bf16>(deviation, random, n_columns, out, float_to_bf16);
    case WeightFormat::kQ4_0:
      return fill_blocks<BlockQ4_0>(deviation, random, n_blocks, out);
    case WeightFormat::kQ4_1:
      return fill_blocks<BlockQ4_1>(deviation, random, n_blocks, out);
    case WeightFormat::kQ5_0:
      return fill_blocks<BlockQ5_0>(deviation, random, n_blocks, out);
    case WeightFormat::kQ5_1:
      return fill_blocks<BlockQ5_1>(deviation, random, n_blocks, out);
    case WeightFormat::kQ8_0:
      return fill_blocks<BlockQ8_0>(deviation, random, n_blocks, out);
    case WeightFormat::kQ2_K:
      return fill_blocks<BlockQ2_K>(deviation, random, n_blocks, out);
    case WeightFormat::kQ3_K:
      return fill_blocks<BlockQ3_K>(deviation, random, n_blocks, out);
    case WeightFormat::kQ4_K:
      return fill_blocks<BlockQ4_K>(deviation, random, n_blocks, out);
    case WeightFormat::kQ5_K:
      return fill_blocks<BlockQ5_K>(deviation, random, n_blocks, out);
    case WeightFormat::kQ6_K:
      return fill_blocks<BlockQ6_K>(deviation, random, n_blocks, out);
    case WeightFormat::kIQ4_NL:
      return fill_blocks<BlockIQ4_NL>(deviation, random, n_blocks, out);
    case WeightFormat::kIQ4_XS:
      return fill_blocks<BlockIQ4_XS>(deviation, random, n_blocks, out);
  }
}

}  // namespace jevons
