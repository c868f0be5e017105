// The oracle of the attention tests: softmax attention in double, and caches filled for it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/kernel_set.h"

namespace jevons::kernels {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr double kHalfUlp = 0x1p-24;  // relative error of one float operation
inline constexpr KvFormat kFormats[] = {KvFormat::kF16, KvFormat::kQ8_0};

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

inline std::vector<float> random_floats(int n, std::mt19937& generator, float spread) {
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& x : out) x = normal(generator);
  return out;
}

inline Heads random_heads(int n_queries, int n_keys, int head_dim, unsigned seed,
                          float spread = 1.5F) {
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

inline double round_to_f16(double x) {
  if (x == 0) return 0;
  const int exponent = std::max(std::ilogb(x), -14);
  return std::ldexp(std::nearbyint(std::ldexp(x, 10 - exponent)), exponent - 10);
}

inline std::vector<double> as_f16(const std::vector<float>& x) {
  std::vector<double> out;
  for (const float v : x) out.push_back(round_to_f16(static_cast<double>(v)));
  return out;
}

// Each 32 with one scale, in f16 for keys and values. `factor` is what queries are multiplied with.
inline std::vector<double> as_q8(const std::vector<float>& x, bool f16_scale, float factor = 1.0F) {
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

inline std::vector<double> as_double(const std::vector<float>& x, double factor = 1.0) {
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
inline Oracle naive_attention(const Heads& shape, const std::vector<double>& queries,
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

inline Oracle oracle_of(KvFormat format, const Heads& heads) {
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
inline double tolerance_of(const Oracle& oracle, int head_dim, int n_pages) {
  const double score_error = (head_dim + 8) * kHalfUlp * oracle.score_magnitude;
  const double sums = (2 * 64 + 6 * n_pages + 40) * kHalfUlp;
  return oracle.value_magnitude * (std::expm1(2 * score_error) + sums);
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::fabs(a[i] - b[i]) <= largest)) largest = std::fabs(a[i] - b[i]);
  }
  return largest;
}

}  // namespace jevons::kernels
