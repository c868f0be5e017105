#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/vector_kernels.h"

namespace jevons::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kHalfUlp = 0x1p-24;  // relative error of one float operation
constexpr float kSentinel = -12345.0F;

std::vector<float> random_floats(int n, unsigned seed, float spread = 1.0F) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& x : out) x = normal(generator);
  return out;
}

// Lengths around every vector width, and the model's own.
std::vector<int> lengths() {
  std::vector<int> out;
  for (int n = 1; n <= 200; ++n) out.push_back(n);
  for (const int n : {255, 256, 257, 1024, 1536, 3071, 3072, 6144}) out.push_back(n);
  return out;
}

std::vector<const KernelSet*> fast_sets() {
  std::vector<const KernelSet*> out;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (cpu_supports(isa)) out.push_back(&kernel_set(isa));
  }
  return out;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Distance in units of the last place of the true value.
double ulps(float got, double truth) {
  const int exponent = std::max(std::ilogb(truth), -126);
  return std::fabs(static_cast<double>(got) - truth) / std::ldexp(1.0, exponent - 23);
}

TEST(Exponential, IsWithinOneUlpOverItsWholeRange) {
  double worst = 0;
  float worst_at = 0;
  const auto look = [&](float x) {
    const double error = ulps(exponential(x), std::exp(static_cast<double>(x)));
    if (error > worst) {
      worst = error;
      worst_at = x;
    }
  };
  for (std::uint32_t bits = 0; bits < std::bit_cast<std::uint32_t>(88.7228F); bits += 397) {
    look(std::bit_cast<float>(bits));
  }
  for (std::uint32_t bits = 0; bits < std::bit_cast<std::uint32_t>(87.3365F); bits += 397) {
    look(-std::bit_cast<float>(bits));
  }
  std::printf("exponential: at most %.4f ulp, at %.9g\n", worst, static_cast<double>(worst_at));
  EXPECT_LE(worst, 1.0);
}

TEST(Exponential, IsRightAtTheEdges) {
  EXPECT_EQ(exponential(0.0F), 1.0F);
  EXPECT_EQ(exponential(-0.0F), 1.0F);
  EXPECT_EQ(exponential(-kInfinity), 0.0F);
  EXPECT_EQ(exponential(-1e30F), 0.0F);
  EXPECT_EQ(exponential(-87.34F), 0.0F);
  EXPECT_GE(exponential(-87.3365F), std::numeric_limits<float>::min());
  EXPECT_TRUE(std::isfinite(exponential(88.722F)));
  EXPECT_EQ(exponential(88.723F), kInfinity);
  EXPECT_EQ(exponential(1e30F), kInfinity);
  EXPECT_EQ(exponential(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(exponential(std::numeric_limits<float>::quiet_NaN())));
}

TEST(Sigmoid, IsWithinThreeUlpAndRightAtTheEdges) {
  for (std::uint32_t bits = 0; bits < std::bit_cast<std::uint32_t>(87.3F); bits += 99991) {
    for (const float x : {std::bit_cast<float>(bits), -std::bit_cast<float>(bits)}) {
      const double truth = 1.0 / (1.0 + std::exp(-static_cast<double>(x)));
      ASSERT_LE(ulps(sigmoid(x), truth), 3.0) << x;
    }
  }
  EXPECT_EQ(sigmoid(0.0F), 0.5F);
  EXPECT_EQ(sigmoid(-0.0F), 0.5F);
  EXPECT_EQ(sigmoid(1000.0F), 1.0F);
  EXPECT_EQ(sigmoid(kInfinity), 1.0F);
  EXPECT_EQ(sigmoid(-1000.0F), 0.0F);
  EXPECT_EQ(sigmoid(-kInfinity), 0.0F);
}

TEST(VectorKernels, SigmoidsEqualSigmoidBitForBitOverAllMagnitudes) {
  std::vector<float> x = {0.0F, -0.0F, kInfinity, -kInfinity, 88.0F, -88.0F, 88.5F, -88.73F, 89.5F};
  std::mt19937 generator(1);
  while (x.size() < 200003) {
    const float any = std::bit_cast<float>(static_cast<std::uint32_t>(generator()));
    if (!std::isnan(any)) x.push_back(any);
    x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(generator())) > 0 ? 50.0F : -50.0F);
    x.back() *= static_cast<float>(generator() % 100000) / 100000.0F;
  }
  std::vector<float> expected(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) expected[i] = sigmoid(x[i]);
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    std::vector<float> got(x.size());
    kernel_set(isa).sigmoids(x.data(), got.data(), static_cast<int>(x.size()));
    EXPECT_TRUE(same_bits(got, expected)) << isa_name(isa);
  }
}

TEST(VectorKernels, RmsNormIsTheFormula) {
  for (const int n : lengths()) {
    const std::vector<float> x = random_floats(n, 10);
    const std::vector<float> weight = random_floats(n, 11);
    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    const double scale = 1.0 / std::sqrt(squares / n + 1e-6);
    std::vector<float> out(x.size());
    kernel_set(Isa::kScalar).rms_norm(x.data(), weight.data(), out.data(), n, 1e-6F);
    // Half of the sum's relative error (a chain of n / 64 and 6 folds), and 8 more roundings.
    const double tolerance = ((n / 64.0 + 7.0) / 2.0 + 8.0) * kHalfUlp;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double truth = static_cast<double>(x[i]) * scale * static_cast<double>(weight[i]);
      ASSERT_NEAR(out[i], truth, std::fabs(truth) * tolerance) << n << " " << i;
    }
  }
}

TEST(VectorKernels, RmsNormOfZerosIsZero) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    std::vector<float> x(100, 0.0F);
    const std::vector<float> weight(100, 3.0F);
    kernel_set(isa).rms_norm(x.data(), weight.data(), x.data(), 100, 1e-6F);
    EXPECT_TRUE(same_bits(x, std::vector<float>(100, 0.0F)));
  }
}

TEST(VectorKernels, SiluMultiplyIsTheFormula) {
  const int n = 5000;
  const std::vector<float> gate = random_floats(n, 20, 20.0F);
  const std::vector<float> up = random_floats(n, 21);
  std::vector<float> out(gate.size());
  kernel_set(Isa::kScalar).silu_multiply(gate.data(), up.data(), out.data(), n);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const auto g = static_cast<double>(gate[i]);
    const double truth = g / (1.0 + std::exp(-g)) * static_cast<double>(up[i]);
    // exponential within 2 halves of an ulp, then an add, a division, a product
    ASSERT_NEAR(out[i], truth, std::fabs(truth) * 6 * kHalfUlp + 1e-37) << gate[i];
  }
}

TEST(VectorKernels, RopeTurnsPairsAndLeavesTheRest) {
  const int n_heads = 3;
  const int head_dim = 128;
  const int rotary_dim = 64;
  const std::vector<float> before = random_floats(n_heads * head_dim, 30);
  std::vector<float> cosines(32);
  std::vector<float> sines(32);
  for (std::size_t i = 0; i < 32; ++i) {
    const double angle = 777.0 * std::pow(5e6, -2.0 * static_cast<double>(i) / rotary_dim);
    cosines[i] = static_cast<float>(std::cos(angle));
    sines[i] = static_cast<float>(std::sin(angle));
  }
  std::vector<float> after = before;
  kernel_set(Isa::kScalar)
      .rope(after.data(), n_heads, head_dim, rotary_dim, cosines.data(), sines.data());
  for (std::size_t head = 0; head < n_heads; ++head) {
    const std::size_t start = head * head_dim;
    for (std::size_t i = 0; i < 32; ++i) {
      const double angle = 777.0 * std::pow(5e6, -2.0 * static_cast<double>(i) / rotary_dim);
      const double a = before[start + i];
      const double b = before[start + i + 32];
      const double tolerance = (std::fabs(a) + std::fabs(b)) * 4 * kHalfUlp;
      EXPECT_NEAR(after[start + i], a * std::cos(angle) - b * std::sin(angle), tolerance);
      EXPECT_NEAR(after[start + i + 32], b * std::cos(angle) + a * std::sin(angle), tolerance);
    }
    for (std::size_t i = 64; i < 128; ++i) EXPECT_EQ(after[start + i], before[start + i]);
  }
}

// Runs one kernel of each set on vectors of n + 1 floats, whose last must stay as it is.
template <typename Call>
void expect_equal_sets(const char* what, int n, const std::vector<float>& start, Call call) {
  std::vector<float> expected = start;
  expected.push_back(kSentinel);
  std::vector<float> input = expected;
  call(kernel_set(Isa::kScalar), expected.data());
  ASSERT_EQ(expected.back(), kSentinel) << what;
  for (const KernelSet* set : fast_sets()) {
    std::vector<float> got = input;
    call(*set, got.data());
    ASSERT_TRUE(same_bits(got, expected)) << what << " " << set->name << " n = " << n;
  }
}

TEST(VectorKernels, SetsAgreeBitForBitForEveryLength) {
  for (const int n : lengths()) {
    for (const float spread : {1.0F, 30.0F, 1e15F, 1e-15F}) {
      const auto seed = static_cast<unsigned>(n);
      const std::vector<float> x = random_floats(n, seed, spread);
      const std::vector<float> y = random_floats(n, seed + 1000);
      expect_equal_sets("rms_norm", n, x, [&](const KernelSet& set, float* v) {
        set.rms_norm(v, y.data(), v, n, 1e-6F);
      });
      expect_equal_sets("silu_multiply", n, x, [&](const KernelSet& set, float* v) {
        set.silu_multiply(v, y.data(), v, n);
      });
      expect_equal_sets("add_scaled", n, y, [&](const KernelSet& set, float* v) {
        set.add_scaled(v, x.data(), 0.37F, n);
      });
      expect_equal_sets("sigmoids", n, x,
                        [&](const KernelSet& set, float* v) { set.sigmoids(v, v, n); });
    }
  }
}

TEST(VectorKernels, SetsAgreeBitForBitOnRope) {
  for (int half = 1; half <= 40; ++half) {
    const int head_dim = 2 * half + half % 5;
    const std::vector<float> heads = random_floats(5 * head_dim, 7);
    const std::vector<float> cosines = random_floats(half, 8);
    const std::vector<float> sines = random_floats(half, 9);
    expect_equal_sets("rope", half, heads, [&](const KernelSet& set, float* v) {
      set.rope(v, 5, head_dim, 2 * half, cosines.data(), sines.data());
    });
  }
}

}  // namespace
}  // namespace jevons::kernels
