// Every kernel set against the scalar set where numbers are not numbers, infinite, denormal or as
// large as they get: the same bits, or NaN where the scalar set has NaN.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/float_formats.h"
#include "tests/kernels/attention_oracle.h"
#include "tests/kernels/matmul_fixture.h"

namespace jevons::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

/// How much of a vector is strange.
enum class Strangeness { kFinite, kFew, kAll };
constexpr Strangeness kAllStrangeness[] = {Strangeness::kFinite, Strangeness::kFew,
                                           Strangeness::kAll};

float strange_float(Strangeness strangeness, std::mt19937& random) {
  constexpr float kFinite[] = {0.0F,      -0.0F,  kDenormal, -kDenormal, 1e-40F,   0x1p-126F,
                               0x1p-149F, 1e-20F, -1e-20F,   65504.0F,   kLargest, -kLargest,
                               88.73F,    -88.0F, 3.0F,      -1e18F};
  constexpr float kFaults[] = {kNan, kInfinity, -kInfinity, -kNan};
  const bool is_fault =
      strangeness == Strangeness::kAll || (strangeness == Strangeness::kFew && random() % 97 == 0);
  if (is_fault && random() % 2 == 0) return kFaults[random() % std::size(kFaults)];
  if (strangeness == Strangeness::kFew && random() % 4 != 0) {
    return std::normal_distribution<float>()(random);
  }
  return kFinite[random() % std::size(kFinite)];
}

std::vector<float> strange_floats(std::size_t n, Strangeness strangeness, std::mt19937& random) {
  std::vector<float> out(n);
  for (float& x : out) x = strange_float(strangeness, random);
  return out;
}

bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

void expect_same(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(same(got[i], expected[i])) << got[i] << ", not " << expected[i] << " at " << i;
  }
}

/// Runs `call` on a copy of `start` with the scalar set and with each other.
template <typename Call>
void expect_equal_sets(const char* what, const std::vector<float>& start, Call call) {
  std::vector<float> expected = start;
  call(kernel_set(Isa::kScalar), expected.data());
  for (const Isa isa : available_isas()) {
    SCOPED_TRACE(testing::Message() << what << ", " << isa_name(isa) << ", n " << start.size());
    std::vector<float> got = start;
    call(kernel_set(isa), got.data());
    expect_same(got, expected);
  }
}

TEST(StrangeNumbers, VectorKernelsAgree) {
  std::mt19937 random(41);
  for (int repeat = 0; repeat < 300; ++repeat) {
    const auto strangeness = kAllStrangeness[repeat % 3];
    const int n = 1 + static_cast<int>(random() % 150);
    const auto size = static_cast<std::size_t>(n);
    const std::vector<float> x = strange_floats(size, strangeness, random);
    const std::vector<float> y = strange_floats(size, strangeness, random);
    const float scale = strange_float(strangeness, random);
    expect_equal_sets("rms_norm", x, [&](const KernelSet& set, float* v) {
      set.rms_norm(v, y.data(), v, n, 1e-6F);
    });
    expect_equal_sets("silu_multiply", x, [&](const KernelSet& set, float* v) {
      set.silu_multiply(v, y.data(), v, n);
    });
    expect_equal_sets("add_scaled", x, [&](const KernelSet& set, float* v) {
      set.add_scaled(v, y.data(), scale, n);
    });
    expect_equal_sets("sigmoids", x,
                      [&](const KernelSet& set, float* v) { set.sigmoids(v, v, n); });
    expect_equal_sets("rope", x, [&](const KernelSet& set, float* v) {
      set.rope(v, 1, n, n / 2 * 2, y.data(), y.data() + n / 2);
    });
    if (HasFailure()) return;
  }
}

TEST(StrangeNumbers, EncodersAgree) {
  std::mt19937 random(42);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const auto x = strange_floats(3 * kSuperBlock, kAllStrangeness[repeat % 3], random);
    for (const ActivationFormat format :
         {ActivationFormat::kBF16, ActivationFormat::kQ8Small, ActivationFormat::kQ8Super}) {
      const auto n = static_cast<int>(x.size());
      std::vector<std::byte> expected(activation_bytes(format, n));
      kernel_set(Isa::kScalar).encode(format)(x.data(), n, expected.data());
      for (const Isa isa : available_isas()) {
        std::vector<std::byte> got(expected.size());
        kernel_set(isa).encode(format)(x.data(), n, got.data());
        ASSERT_EQ(got, expected) << isa_name(isa) << ", format " << static_cast<int>(format);
      }
    }
  }
}

/// Bytes at random, so that halves are of every kind; floats out of the list above.
std::vector<std::byte> strange_weights(WeightFormat format, int n_rows, int n_columns,
                                       Strangeness strangeness, std::mt19937& random) {
  std::vector<std::byte> bytes = make_weights(format, n_rows, n_columns, Content::kExtreme, random);
  if (format == WeightFormat::kF32) {
    for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
      const float x = strange_float(strangeness, random);
      std::memcpy(bytes.data() + i, &x, sizeof(x));
    }
  } else if (strangeness != Strangeness::kFinite) {
    for (std::byte& byte : bytes) {
      if (strangeness == Strangeness::kAll || random() % 97 == 0) {
        byte = static_cast<std::byte>(random());
      }
    }
  }
  return bytes;
}

TEST(StrangeNumbers, MatmulsAgree) {
  constexpr int kRows = 22;
  constexpr int kTokens = 19;
  std::mt19937 random(43);
  for (const WeightFormat format : kAllWeightFormats) {
    const int n_columns = 3 * block_columns(format);
    for (int repeat = 0; repeat < 18; ++repeat) {
      const Matrix matrix{
          format, n_columns,
          strange_weights(format, kRows, n_columns, kAllStrangeness[repeat % 3], random)};
      std::vector<std::vector<float>> tokens;
      tokens.reserve(kTokens);
      for (int t = 0; t < kTokens; ++t) {
        tokens.push_back(strange_floats(static_cast<std::size_t>(n_columns),
                                        kAllStrangeness[repeat / 3 % 3], random));
      }
      const EncodedTokens x(kernel_set(Isa::kScalar), format, tokens);
      const auto expected =
          multiply(kernel_set(Isa::kScalar), matrix, 0, kRows, x.pointers(), kTokens);
      for (const KernelSet& set : available_sets()) {
        // Its sums of pairs may overflow where the others do not, and lose denormals.
        if (format == WeightFormat::kBF16 && set.isa == Isa::kAvx512) continue;
        for (const int n_tokens : {1, 3, 4, 7, kTokens}) {
          const auto y = multiply(set, matrix, 0, kRows, x.pointers(), n_tokens);
          for (std::size_t t = 0; t < y.size(); ++t) {
            SCOPED_TRACE(testing::Message()
                         << set.name << ", " << format_name(format) << ", repeat " << repeat
                         << ", tokens " << n_tokens << ", token " << t);
            expect_same(y[t], expected[t]);
            if (HasFailure()) return;
          }
        }
      }
    }
  }
}

TEST(StrangeNumbers, AttentionAgrees) {
  std::mt19937 random(44);
  for (int repeat = 0; repeat < 60; ++repeat) {
    const int n_queries = 1 + static_cast<int>(random() % 8);
    Heads heads = random_heads(n_queries, 1 + static_cast<int>(random() % 140), 64,
                               static_cast<unsigned>(repeat));
    for (auto* floats : {&heads.queries, &heads.keys, &heads.values}) {
      // Not always all of them, or nothing but NaN comes out.
      if (random() % 2 == 0) {
        *floats = strange_floats(floats->size(), kAllStrangeness[random() % 3], random);
      }
    }
    for (const KvFormat format : kFormats) {
      Cache scalar(kernel_set(Isa::kScalar), format, heads);
      const State expected = scalar.attend_all();
      for (const Isa isa : available_isas()) {
        SCOPED_TRACE(testing::Message() << isa_name(isa) << ", format " << static_cast<int>(format)
                                        << ", repeat " << repeat);
        Cache cache(kernel_set(isa), format, heads);
        EXPECT_TRUE(cache.same_bytes(scalar));
        const State got = cache.attend_all();
        expect_same(got.maximum, expected.maximum);
        expect_same(got.sum, expected.sum);
        expect_same(got.output, expected.output);
        if (HasFailure()) return;
      }
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
