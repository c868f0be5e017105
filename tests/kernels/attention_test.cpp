// Every attention kernel against the oracle, the scalar set and itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "attention_oracle.h"
#include "kernels/kernel_set.h"

namespace jevons::kernels {
namespace {

// -- the definition against the oracle -----------------------------------------------------------

TEST(Attention, EqualsNaiveSoftmaxOverManyPages) {
  for (const KvFormat format : kFormats) {
    for (const int head_dim : {32, 64, 96, 128, 192, 256}) {
      for (const int n_keys : {1, 63, 64, 65, 130, 500}) {
        const Heads heads = random_heads(6, n_keys, head_dim, static_cast<unsigned>(n_keys));
        const Oracle oracle = oracle_of(format, heads);
        Cache cache(kernel_set(Isa::kScalar), format, heads);
        const double difference = largest_difference(cache.attend_all().result(), oracle.result);
        EXPECT_LE(difference, tolerance_of(oracle, head_dim, cache.n_pages()))
            << head_dim << " " << n_keys << " format " << static_cast<int>(format);
      }
    }
  }
}

TEST(Attention, AFastSetEqualsNaiveSoftmaxAtDepth) {
  for (const KvFormat format : kFormats) {
    const Heads heads = random_heads(6, 5000, 128, 77);
    const Oracle oracle = oracle_of(format, heads);
    Cache cache(best_kernel_set(), format, heads);
    EXPECT_LE(largest_difference(cache.attend_all().result(), oracle.result),
              tolerance_of(oracle, 128, cache.n_pages()));
  }
}

TEST(Attention, EightBitsStayNearTheUnquantisedResult) {
  const Heads heads = random_heads(6, 300, 128, 5, 1.0F);
  const double factor = 1.0 / std::sqrt(128.0);
  const Oracle exact = naive_attention(heads, as_double(heads.queries, factor),
                                       as_double(heads.keys), as_double(heads.values));
  Cache cache(best_kernel_set(), KvFormat::kQ8_0, heads);
  // Each quant is off by at most half a step of largest / 127, and the step itself by an f16
  // rounding; |x| of 4 spreads bounds the largest of these samples' blocks well.
  const double step = 5.0 / 127.0;
  const double score_error = 128 * factor * (step / 2) * (1.0 + 1.0) * 1.05;
  const double bound = exact.value_magnitude * std::expm1(2 * score_error) + step;
  const double difference = largest_difference(cache.attend_all().result(), exact.result);
  EXPECT_LE(difference, bound);
  // The bound above is the worst case; errors of random signs stay far below it.
  EXPECT_LE(difference, 0.02);
}

// -- sets against each other ---------------------------------------------------------------------

TEST(Attention, SetsAgreeBitForBit) {
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      for (const int head_dim : {32, 64, 96, 128, 160, 224, 256}) {
        for (const int n_queries : {1, 2, 3, 4, 5, 6, 7, 8, 12, 13}) {
          const auto seed = static_cast<unsigned>(head_dim * 100 + n_queries);
          const int n_keys = 64 + static_cast<int>(seed % 100);
          const float spread = seed % 3 == 0 ? 40.0F : 1.0F;
          const Heads heads = random_heads(n_queries, n_keys, head_dim, seed, spread);
          Cache expected(kernel_set(Isa::kScalar), format, heads);
          Cache got(kernel_set(isa), format, heads);
          ASSERT_TRUE(got.same_bytes(expected))
              << isa_name(isa) << " " << head_dim << " format " << static_cast<int>(format);
          ASSERT_TRUE(got.attend_all() == expected.attend_all())
              << isa_name(isa) << " " << head_dim << " " << n_queries << " " << n_keys << " format "
              << static_cast<int>(format);
        }
      }
    }
  }
}

TEST(Attention, SetsStoreTheSameBytesForStrangeNumbers) {
  std::vector<float> strange = {0.0F,   -0.0F,   1e-45F,   -1e-40F,  1e-38F,    6e-8F,
                                -3e-8F, 6.1e-5F, 65504.0F, 65519.9F, -65520.0F, 1e6F,
                                127.0F, 0.5F,    1.5F,     2.5F};
  for (float& x : std::vector<float>(strange)) strange.push_back(x * 0.37F);
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      for (unsigned seed = 0; seed < 40; ++seed) {
        Heads heads = random_heads(2, 70, 64, seed);
        std::mt19937 generator(seed);
        for (auto* floats : {&heads.queries, &heads.keys, &heads.values}) {
          for (std::size_t i = 0; i < floats->size(); ++i) {
            // Blocks of all sizes: some without the large numbers, so that scales vary.
            const std::size_t range = i / 32 % 3 == 0 ? 8 : strange.size();
            (*floats)[i] = strange[generator() % range];
          }
        }
        const Cache expected(kernel_set(Isa::kScalar), format, heads);
        ASSERT_TRUE(Cache(kernel_set(isa), format, heads).same_bytes(expected))
            << isa_name(isa) << " format " << static_cast<int>(format);
      }
    }
  }
}

TEST(Attention, EveryHeadIsAloneBitForBit) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      const Heads heads = random_heads(9, 150, 128, 4);
      const State together = Cache(kernel_set(isa), format, heads).attend_all();
      for (int q = 0; q < heads.n_queries; ++q) {
        Heads one = heads;
        one.n_queries = 1;
        one.queries.assign(heads.query(q), heads.query(q) + heads.head_dim);
        const State alone = Cache(kernel_set(isa), format, one).attend_all();
        const auto i = static_cast<std::size_t>(q);
        EXPECT_EQ(alone.maximum[0], together.maximum[i]);
        EXPECT_EQ(alone.sum[0], together.sum[i]);
        EXPECT_TRUE(std::equal(alone.output.begin(), alone.output.end(),
                               together.output.begin() + q * heads.head_dim));
      }
    }
  }
}

// -- what lies beyond n_keys ---------------------------------------------------------------------

TEST(Attention, SlotsBeyondTheKeysHaveNoInfluence) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      for (int n_keys = 1; n_keys <= kKeysPerPage; ++n_keys) {
        const Heads heads = random_heads(3, n_keys, 64, static_cast<unsigned>(n_keys));
        const State clean = Cache(kernel_set(isa), format, heads, 0x00).attend_all();
        for (const int garbage : {0xFF, 0x7C, 0xFC, 0x7F}) {
          ASSERT_TRUE(Cache(kernel_set(isa), format, heads, garbage).attend_all() == clean)
              << isa_name(isa) << " " << n_keys << " keys, bytes of " << garbage;
        }
        // Nor have real keys that are only not to be seen yet.
        Heads longer = random_heads(3, kKeysPerPage, 64, 99);
        longer.queries = heads.queries;
        std::copy(heads.keys.begin(), heads.keys.end(), longer.keys.begin());
        std::copy(heads.values.begin(), heads.values.end(), longer.values.begin());
        Cache cache(kernel_set(isa), format, longer);
        State seen = cache.empty();
        cache.attend(0, n_keys, seen);
        ASSERT_TRUE(seen == clean) << isa_name(isa) << " " << n_keys;
      }
    }
  }
}

// -- merging pages -------------------------------------------------------------------------------

TEST(Attention, OrderOfPagesMattersOnlyForRounding) {
  for (const KvFormat format : kFormats) {
    const Heads heads = random_heads(6, 640, 128, 8);
    const Oracle oracle = oracle_of(format, heads);
    Cache cache(best_kernel_set(), format, heads);
    State backwards = cache.empty();
    for (int page = cache.n_pages() - 1; page >= 0; --page) cache.attend(page, backwards);
    const State forwards = cache.attend_all();
    EXPECT_EQ(forwards.maximum, backwards.maximum);
    EXPECT_LE(largest_difference(forwards.result(), backwards.result()),
              2 * tolerance_of(oracle, 128, cache.n_pages()));
  }
}

TEST(Attention, AnEqualPageAddsItselfExactly) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      const Heads heads = random_heads(6, kKeysPerPage, 128, 8);
      Cache cache(kernel_set(isa), format, heads);
      const State once = cache.attend_all();
      State twice = once;
      cache.attend(0, twice);
      EXPECT_EQ(twice.maximum, once.maximum);
      for (std::size_t i = 0; i < once.sum.size(); ++i) EXPECT_EQ(twice.sum[i], 2 * once.sum[i]);
      for (std::size_t i = 0; i < once.output.size(); ++i) {
        EXPECT_EQ(twice.output[i], 2 * once.output[i]);
      }
    }
  }
}

// Keys of one page all score `low`, those of the other `high`.
Heads two_pages(float low, float high) {
  Heads heads = random_heads(2, 2 * kKeysPerPage, 32, 6);
  const float root = std::sqrt(32.0F);
  std::fill(heads.queries.begin(), heads.queries.end(), 0.0F);
  std::fill(heads.keys.begin(), heads.keys.end(), 0.0F);
  for (std::size_t q = 0; q < 2; ++q) heads.queries[q * 32] = 127.0F * root;
  for (std::size_t k = 0; k < 2 * kKeysPerPage; ++k) {
    heads.keys[k * 32] = (k < kKeysPerPage ? low : high) / 127.0F;
  }
  return heads;
}

TEST(Attention, ExtremeScoresLeaveNoNaN) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      const Heads heads = two_pages(-1e4F, 1e4F);
      Cache cache(kernel_set(isa), format, heads);
      State last_only = cache.empty();
      cache.attend(1, last_only);
      State both = cache.attend_all();
      // e^-20000 is nothing: the first page leaves no trace, whichever comes first.
      EXPECT_TRUE(both == last_only) << isa_name(isa);
      EXPECT_NEAR(both.maximum[0], 1e4F, 10.0F);
      EXPECT_EQ(both.sum[0], 64.0F);
      State other_way = cache.empty();
      cache.attend(1, other_way);
      cache.attend(0, other_way);
      EXPECT_TRUE(other_way == last_only) << isa_name(isa);
    }
  }
}

TEST(Attention, AFaultInAKeyOrValueShowsInTheResult) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      for (const float fault :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        // Scores of minus infinity are not seen; that f16 can hold.
        if (format == KvFormat::kF16 && std::isinf(fault)) continue;
        for (const bool in_key : {true, false}) {
          Heads heads = random_heads(3, 150, 64, 8);
          // All of a row, as when a token's hidden state is at fault.
          auto& rows = in_key ? heads.keys : heads.values;
          std::fill_n(rows.begin() + 70 * 64, 64, fault);
          const State state = Cache(kernel_set(isa), format, heads).attend_all();
          for (const double x : state.result()) {
            EXPECT_FALSE(std::isfinite(x)) << isa_name(isa) << " " << fault << " " << in_key;
          }
        }
      }
    }
  }
}

TEST(Attention, EqualScoresGiveTheMean) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const float score : {0.0F, -0.0F, 3.0F, -1e4F}) {
      const Heads heads = two_pages(score, score);
      Cache cache(kernel_set(isa), KvFormat::kF16, heads);
      const State state = cache.attend_all();
      EXPECT_EQ(state.sum[0], 128.0F) << score;
      const std::vector<double> values = as_f16(heads.values);
      for (std::size_t d = 0; d < 32; ++d) {
        double mean = 0;
        for (std::size_t k = 0; k < 128; ++k) mean += values[k * 32 + d] / 128.0;
        EXPECT_NEAR(state.result()[d], mean, 4.0 * 130 * kHalfUlp);
      }
    }
  }
}

TEST(Attention, ZeroKeysQueriesAndValuesGiveZero) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    for (const KvFormat format : kFormats) {
      for (const float zero : {0.0F, -0.0F}) {
        Heads heads = random_heads(2, 100, 32, 1);
        for (auto* floats : {&heads.queries, &heads.keys, &heads.values}) {
          std::fill(floats->begin(), floats->end(), zero);
        }
        Cache cache(kernel_set(isa), format, heads);
        const State state = cache.attend_all();
        EXPECT_EQ(state.sum[1], 100.0F);
        for (const double x : state.result()) EXPECT_EQ(x, 0.0);
      }
    }
  }
}

TEST(Attention, PagesAreAsSmallAsPromised) {
  for (const Isa isa : kAllIsas) {
    if (!cpu_supports(isa)) continue;
    const KernelSet& set = kernel_set(isa);
    EXPECT_EQ(set.kv_row_bytes(KvFormat::kF16, 128), 256U);
    EXPECT_EQ(set.kv_row_bytes(KvFormat::kQ8_0, 128), 136U);
    for (int head_dim = 32; head_dim <= 256; head_dim += 32) {
      for (const KvFormat format : kFormats) {
        EXPECT_EQ(kKeysPerPage * set.kv_row_bytes(format, head_dim) % 64, 0U);
      }
    }
  }
}

}  // namespace
}  // namespace jevons::kernels
