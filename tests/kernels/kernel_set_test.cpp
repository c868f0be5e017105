#include "kernels/kernel_set.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "kernels/machine_peak.h"
#include "tests/kernels/matmul_fixture.h"

namespace jevons::kernels {
namespace {

TEST(KernelSet, EverySetHasEverything) {
  for (const Isa isa : available_isas()) {
    const KernelSet& set = kernel_set(isa);
    EXPECT_EQ(set.isa, isa);
    EXPECT_STREQ(set.name, isa_name(isa));
    for (const WeightFormat format : kAllWeightFormats) {
      EXPECT_NE(set.matmul(format), nullptr) << format_name(format);
      EXPECT_NE(set.encode(set.activation_format(format)), nullptr) << format_name(format);
      EXPECT_EQ(set.activation_format(format), kernel_set(Isa::kScalar).activation_format(format));
    }
    EXPECT_NE(set.rms_norm, nullptr);
    EXPECT_NE(set.rope, nullptr);
    EXPECT_NE(set.silu_multiply, nullptr);
    EXPECT_NE(set.add_scaled, nullptr);
    EXPECT_NE(set.kv_row_bytes, nullptr);
    EXPECT_NE(set.query_bytes, nullptr);
    EXPECT_NE(set.store_key, nullptr);
    EXPECT_NE(set.store_value, nullptr);
    EXPECT_NE(set.encode_queries, nullptr);
    EXPECT_NE(set.attend_page, nullptr);
  }
}

TEST(KernelSet, FormatsAskForTheActivationsOfTheirBlocks) {
  const KernelSet& set = kernel_set(Isa::kScalar);
  EXPECT_EQ(set.activation_format(WeightFormat::kQ8_0), ActivationFormat::kQ8Small);
  EXPECT_EQ(set.activation_format(WeightFormat::kQ4_K), ActivationFormat::kQ8Super);
  EXPECT_EQ(set.activation_format(WeightFormat::kF32), ActivationFormat::kF32);
  EXPECT_EQ(set.activation_format(WeightFormat::kF16), ActivationFormat::kF32);
  EXPECT_EQ(set.activation_format(WeightFormat::kBF16), ActivationFormat::kBF16);
}

TEST(KernelSet, TheBestSetIsTheLastSupported) {
  EXPECT_TRUE(cpu_supports(Isa::kScalar));
  EXPECT_EQ(best_kernel_set().isa, available_isas().back());
  EXPECT_EQ(best_isa(), best_kernel_set().isa);
}

TEST(KernelSet, AvxVnniIsTestedWhereverThereIsAvx2) {
  const bool is_there = std::ranges::any_of(
      available_sets(), [](const KernelSet& set) { return set.isa == Isa::kAvxVnni; });
  EXPECT_EQ(is_there, cpu_supports(Isa::kAvx2));
}

TEST(KernelSetDeathTest, AFormatWithoutAKernelEndsTheProgram) {
  EXPECT_DEATH(static_cast<void>(kernel_set(Isa::kScalar).matmul(static_cast<WeightFormat>(31))),
               "no matrix kernel");
}

// Only that the measurements measure: speed is not asserted.
TEST(MachinePeak, FiguresAreThoseOfAMachine) {
  for (const Isa isa : available_isas()) {
    const double peak = int8_peak_operations_per_second(isa, 0.002);
    EXPECT_GT(peak, 1e7);
    EXPECT_LT(peak, 1e14);
    const double floats = f32_peak_operations_per_second(isa, 0.002);
    EXPECT_GT(floats, 1e6);
    EXPECT_LT(floats, 1e14);
  }
  const std::vector<std::byte> bytes(std::size_t{4} << 20, std::byte{1});
  const double bandwidth = read_bandwidth_bytes_per_second(bytes.data(), bytes.size());
  EXPECT_GT(bandwidth, 1e7);
  EXPECT_LT(bandwidth, 1e13);
}

}  // namespace
}  // namespace jevons::kernels
