#include "tests/kernels/matmul_fixture.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/float_formats.h"

namespace jevons::kernels {
namespace {

/// Where a block keeps its halves; -1 where there are fewer than two.
struct HalfOffsets {
  int first, second;
};

HalfOffsets half_offsets(WeightFormat format) {
  switch (format) {
    case WeightFormat::kQ4_0:
    case WeightFormat::kQ5_0:
    case WeightFormat::kQ8_0:
    case WeightFormat::kIQ4_NL:
    case WeightFormat::kIQ4_XS:
      return {0, -1};
    case WeightFormat::kQ4_1:
    case WeightFormat::kQ5_1:
    case WeightFormat::kQ4_K:
    case WeightFormat::kQ5_K:
      return {0, 2};
    case WeightFormat::kQ2_K:
      return {80, 82};
    case WeightFormat::kQ3_K:
      return {108, -1};
    case WeightFormat::kQ6_K:
      return {208, -1};
    case WeightFormat::kF32:
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
      return {-1, -1};
  }
  return {-1, -1};
}

float random_normal(std::mt19937& random) { return std::normal_distribution<float>()(random); }

f16 random_half(Content content, std::mt19937& random) {
  constexpr f16 kExtremes[] = {0x7BFF, 0xFBFF, 0x0001, 0x8001, 0x03FF, 0x0400, 0x3C00, 0x8000};
  switch (content) {
    case Content::kRandom:
      return float_to_f16(random_normal(random) * 0.05F);
    case Content::kExtreme:
      return kExtremes[random() % std::size(kExtremes)];
    case Content::kZero:
      return 0;
    case Content::kTiny:
      return static_cast<f16>(random() & 0x83FFU);
  }
  return 0;
}

/// A number for the formats that store numbers and not blocks.
float random_weight(Content content, std::mt19937& random) {
  switch (content) {
    case Content::kRandom:
      return random_normal(random);
    case Content::kExtreme:
      return (random() & 1U) != 0 ? 60000.0F : -60000.0F;
    case Content::kZero:
      return (random() & 1U) != 0 ? 0.0F : -0.0F;
    case Content::kTiny:
      return random_normal(random) * 0x1p-24F;
  }
  return 0.0F;
}

template <typename Number, typename Convert>
void fill_numbers(std::vector<std::byte>& bytes, Content content, std::mt19937& random,
                  Convert convert) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(Number)) {
    const Number number = convert(random_weight(content, random));
    std::memcpy(bytes.data() + i, &number, sizeof(number));
  }
}

void fill_block(std::byte* block, WeightFormat format, Content content, std::mt19937& random) {
  constexpr int kPatterns[] = {0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0, -1};
  const int pattern =
      content == Content::kExtreme ? kPatterns[random() % std::size(kPatterns)] : -1;
  for (int i = 0; i < facts(format).block_bytes; ++i) {
    block[i] = static_cast<std::byte>(pattern >= 0 ? static_cast<unsigned>(pattern) : random());
  }
  const HalfOffsets offsets = half_offsets(format);
  for (const int offset : {offsets.first, offsets.second}) {
    if (offset < 0) continue;
    const f16 half = random_half(content, random);
    std::memcpy(block + offset, &half, sizeof(half));
  }
}

}  // namespace

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : kAllIsas) {
    if (cpu_supports(isa)) isas.push_back(isa);
  }
  return isas;
}

std::span<const KernelSet> available_sets() {
  static const std::vector<KernelSet> kSets = [] {
    std::vector<KernelSet> sets;
    for (const Isa isa : available_isas()) sets.push_back(kernel_set(isa));
    if (!cpu_supports(Isa::kAvxVnni) && emulated_avx_vnni() != nullptr) {
      sets.push_back(*emulated_avx_vnni());
    }
    return sets;
  }();
  return kSets;
}

std::string format_name(WeightFormat format) { return facts(format).name; }

int block_columns(WeightFormat format) { return std::max(16, facts(format).block_elements); }

std::vector<std::byte> make_weights(WeightFormat format, int n_rows, int n_columns, Content content,
                                    std::mt19937& random) {
  std::vector<std::byte> bytes(row_bytes(format, n_columns) * static_cast<std::size_t>(n_rows));
  if (format == WeightFormat::kF32) {
    fill_numbers<float>(bytes, content, random, [](float x) { return x; });
  } else if (format == WeightFormat::kF16) {
    fill_numbers<f16>(bytes, content, random, float_to_f16);
  } else if (format == WeightFormat::kBF16) {
    fill_numbers<bf16>(bytes, content, random, float_to_bf16);
  } else {
    const auto block_bytes = static_cast<std::size_t>(facts(format).block_bytes);
    for (std::size_t i = 0; i < bytes.size(); i += block_bytes) {
      fill_block(bytes.data() + i, format, content, random);
    }
  }
  return bytes;
}

std::vector<float> make_activations(int n_columns, Content content, std::mt19937& random) {
  std::vector<float> x(static_cast<std::size_t>(n_columns));
  for (float& value : x) {
    switch (content) {
      case Content::kRandom:
        value = random_normal(random);
        break;
      case Content::kExtreme:
        value = (random() & 1U) != 0 ? 1e18F : -1e18F;
        break;
      case Content::kZero:
        value = 0.0F;
        break;
      case Content::kTiny:
        value = random_normal(random) * 0x1p-105F;
        break;
    }
  }
  return x;
}

EncodedTokens::EncodedTokens(const KernelSet& set, WeightFormat weights,
                             const std::vector<std::vector<float>>& tokens) {
  const ActivationFormat format = set.activation_format(weights);
  for (const std::vector<float>& token : tokens) {
    const auto n_columns = static_cast<int>(token.size());
    const std::size_t n_bytes = activation_bytes(format, n_columns);
    buffers_.emplace_back(static_cast<std::byte*>(::operator new[](n_bytes, std::align_val_t{64})));
    set.encode(format)(token.data(), n_columns, buffers_.back().get());
    pointers_.push_back(buffers_.back().get());
  }
}

std::vector<std::vector<float>> multiply(const KernelSet& set, const Matrix& matrix, int first_row,
                                         int n_rows, const std::byte* const* x, int n_tokens) {
  constexpr std::uint32_t kUnwritten = 0xFFC0DEAD;  // a NaN that no kernel makes
  const auto unwritten = std::bit_cast<float>(kUnwritten);
  const auto n = static_cast<std::size_t>(n_rows);
  std::vector<std::vector<float>> y(static_cast<std::size_t>(n_tokens),
                                    std::vector<float>(n + 8, unwritten));
  std::vector<float*> y_pointers;
  for (auto& row : y) y_pointers.push_back(row.data());
  const std::size_t stride = row_bytes(matrix.format, matrix.n_columns);
  set.matmul(matrix.format)({matrix.bytes.data() + stride * static_cast<std::size_t>(first_row),
                             stride, n_rows, matrix.n_columns, x, y_pointers.data(), n_tokens});
  for (auto& row : y) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(row[i]) == kUnwritten, i >= n) << "at row " << i;
    }
    row.resize(n);
  }
  return y;
}

}  // namespace jevons::kernels
