#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_set.h"

namespace jevons::kernels {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kHalfUlp = 0x1p-24;  // relative error of one float operation
constexpr KvFormat kFormats[] = {KvFormat::kF16, KvFormat::kQ8_0};

struct alignas(64) CacheLine {
  std::byte bytes[64];
};

// Floats of one KV head and the query heads that share it.
struct Heads {
  int n_queries;
  int n_keys;
  int head_dim;
  std::vector<float> queries;  // [n_queries][head_dim]
  std::vector<float> keys;     // [n_keys][head_dim]
  std::vector<float> values;   // [n_keys][head_dim]

  const float* key(int i) const { return keys.data() + i * head_dim; }
  const float* value(int i) const { return values.data() + i * head_dim; }
  const float* query(int i) const { return queries.data() + i * head_dim; }
};

std::vector<float> random_floats(int n, std::mt19937& generator, float spread) {
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& x : out) x = normal(generator);
  return out;
}

Heads random_heads(int n_queries, int n_keys, int head_dim, unsigned seed, float spread = 1.5F) {
  std::mt19937 generator(seed);
  return {n_queries,
          n_keys,
          head_dim,
          random_floats(n_queries * head_dim, generator, spread),
          random_floats(n_keys * head_dim, generator, spread),
          random_floats(n_keys * head_dim, generator, 1.0F)};
}

// The running softmax of some query heads.
struct State {
  std::vector<float> maximum, sum, output;

  State(int n_queries, int head_dim)
      : maximum(static_cast<std::size_t>(n_queries), -kInfinity),
        sum(static_cast<std::size_t>(n_queries), 0.0F),
        output(static_cast<std::size_t>(n_queries * head_dim), 0.0F) {}

  bool operator==(const State& other) const {
    return same(maximum, other.maximum) && same(sum, other.sum) && same(output, other.output);
  }
  // output / sum, [n_queries][head_dim]
  std::vector<double> result() const {
    const std::size_t head_dim = output.size() / sum.size();
    std::vector<double> out(output.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<double>(output[i]) / static_cast<double>(sum[i / head_dim]);
    }
    return out;
  }

 private:
  static bool same(const std::vector<float>& a, const std::vector<float>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  }
};

// The keys and values of one KV head in pages, and the encoded queries.
class Cache {
 public:
  Cache(const KernelSet& set, KvFormat format, const Heads& heads, int garbage = 0xFF)
      : set_(set), format_(format), heads_(heads) {
    const int n_pages = (heads.n_keys + kKeysPerPage - 1) / kKeysPerPage;
    page_bytes_ = kKeysPerPage * set.kv_row_bytes(format, heads.head_dim);
    const std::size_t n_lines = static_cast<std::size_t>(n_pages) * page_bytes_ / 64;
    keys_.resize(n_lines);
    values_.resize(n_lines);
    std::memset(keys_.data(), garbage, n_lines * 64);
    std::memset(values_.data(), garbage, n_lines * 64);
    for (int i = 0; i < heads.n_keys; ++i) {
      const int page = i / kKeysPerPage;
      const int slot = i % kKeysPerPage;
      set.store_key(format, heads.key(i), heads.head_dim, slot, at(keys_, page));
      set.store_value(format, heads.value(i), heads.head_dim, slot, at(values_, page));
    }
    queries_.resize(set.query_bytes(format, heads.n_queries, heads.head_dim));
    set.encode_queries(format, heads.queries.data(), heads.n_queries, heads.head_dim,
                       queries_.data());
  }

  int n_pages() const { return static_cast<int>(keys_.size() * 64 / page_bytes_); }

  void attend(int page, State& state) { attend(page, keys_of(page), state); }
  void attend(int page, int n_keys, State& state) {
    set_.attend_page(
        format_, {queries_.data(), heads_.n_queries, at(keys_, page), at(values_, page), n_keys,
                  heads_.head_dim, state.maximum.data(), state.sum.data(), state.output.data()});
  }
  State attend_all() {
    State state = empty();
    for (int page = 0; page < n_pages(); ++page) attend(page, state);
    return state;
  }
  State empty() const { return {heads_.n_queries, heads_.head_dim}; }
  int keys_of(int page) const {
    return std::min(kKeysPerPage, heads_.n_keys - page * kKeysPerPage);
  }

  bool same_bytes(const Cache& other) const {
    return queries_ == other.queries_ && same(keys_, other.keys_) && same(values_, other.values_);
  }

 private:
  std::byte* at(std::vector<CacheLine>& lines, int page) {
    return lines.data()->bytes + static_cast<std::size_t>(page) * page_bytes_;
  }
  static bool same(const std::vector<CacheLine>& a, const std::vector<CacheLine>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * 64) == 0;
  }

  const KernelSet& set_;
  KvFormat format_;
  const Heads& heads_;
  std::size_t page_bytes_;
  std::vector<CacheLine> keys_, values_;
  std::vector<std::byte> queries_;
};

// -- the oracle: attention in double over what the cache's format can hold -----------------------

double round_to_f16(double x) {
  if (x == 0) return 0;
  const int exponent = std::max(std::ilogb(x), -14);
  return std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
}

std::vector<double> as_f16(const std::vector<float>& x) {
  std::vector<double> out;
  for (const float v : x) out.push_back(round_to_f16(static_cast<double>(v)));
  return out;
}

// Each 32 with one scale, in f16 for keys and values. `factor` is what queries are multiplied with.
std::vector<double> as_q8(const std::vector<float>& x, bool f16_scale, float factor = 1.0F) {
  std::vector<double> out(x.size());
  for (std::size_t block = 0; block < x.size(); block += 32) {
    float largest = 0;
    for (std::size_t i = block; i < block + 32; ++i) {
      largest = std::max(largest, std::fabs(x[i] * factor));
    }
    float scale = largest / 127.0F;
    if (f16_scale) scale = static_cast<float>(round_to_f16(static_cast<double>(scale)));
    const float inverse = scale > 0 ? 1.0F / scale : 0.0F;
    for (std::size_t i = block; i < block + 32; ++i) {
      const float quant = std::clamp(std::nearbyint(x[i] * factor * inverse), -127.0F, 127.0F);
      out[i] = static_cast<double>(quant) * static_cast<double>(scale);
    }
  }
  return out;
}

std::vector<double> as_double(const std::vector<float>& x, double factor = 1.0) {
  std::vector<double> out;
  for (const float v : x) out.push_back(static_cast<double>(v) * factor);
  return out;
}

struct Oracle {
  std::vector<double> result;  // [n_queries][head_dim]
  double score_magnitude = 0;  // the largest sum over dims of |key * query|
  double value_magnitude = 0;  // the largest |value|
};

// queries already multiplied with 1/sqrt(head_dim).
Oracle naive_attention(const Heads& shape, const std::vector<double>& queries,
                       const std::vector<double>& keys, const std::vector<double>& values) {
  const auto head_dim = static_cast<std::size_t>(shape.head_dim);
  const auto n_keys = static_cast<std::size_t>(shape.n_keys);
  Oracle oracle;
  oracle.result.assign(queries.size(), 0.0);
  for (const double v : values) {
    oracle.value_magnitude = std::max(oracle.value_magnitude, std::fabs(v));
  }
  for (std::size_t q = 0; q < queries.size() / head_dim; ++q) {
    std::vector<double> scores(n_keys, 0.0);
    for (std::size_t k = 0; k < n_keys; ++k) {
      double magnitude = 0;
      for (std::size_t d = 0; d < head_dim; ++d) {
        const double product = queries[q * head_dim + d] * keys[k * head_dim + d];
        scores[k] += product;
        magnitude += std::fabs(product);
      }
      oracle.score_magnitude = std::max(oracle.score_magnitude, magnitude);
    }
    const double maximum = *std::max_element(scores.begin(), scores.end());
    double sum = 0;
    for (std::size_t k = 0; k < n_keys; ++k) {
      const double weight = std::exp(scores[k] - maximum);
      sum += weight;
      for (std::size_t d = 0; d < head_dim; ++d) {
        oracle.result[q * head_dim + d] += weight * values[k * head_dim + d];
      }
    }
    for (std::size_t d = 0; d < head_dim; ++d) oracle.result[q * head_dim + d] /= sum;
  }
  return oracle;
}

Oracle oracle_of(KvFormat format, const Heads& heads) {
  const float factor = 1.0F / std::sqrt(static_cast<float>(heads.head_dim));
  if (format == KvFormat::kF16) {
    return naive_attention(heads, as_double(heads.queries, static_cast<double>(factor)),
                           as_f16(heads.keys), as_f16(heads.values));
  }
  return naive_attention(heads, as_q8(heads.queries, false, factor), as_q8(heads.keys, true),
                         as_q8(heads.values, true));
}

// How far float arithmetic may be from the oracle: a score is off by a chain of head_dim rounded
// adds, twice that goes into a weight's exponent, and the sums have chains of 64 and one merge
// a page.
double tolerance_of(const Oracle& oracle, int head_dim, int n_pages) {
  const double score_error = (head_dim + 8) * kHalfUlp * oracle.score_magnitude;
  const double sums = (2 * 64 + 6 * n_pages + 40) * kHalfUlp;
  return oracle.value_magnitude * (std::expm1(2 * score_error) + sums);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= largest)) largest = std::fabs(a[i] - b[i]);
  }
  return largest;
}

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
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
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
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512}) {
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
