#include "model/attention.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace jevons {
namespace {

// Softmax attention in double over keys and values that were never rounded.
TEST(Attention, MatchesTheFormulaOverManyPages) {
  ModelConfig config;
  config.n_layers = 2;
  config.n_heads = 6;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  const auto& set = kernels::best_kernel_set();
  for (const auto format : {kernels::KvFormat::kF16, kernels::KvFormat::kQ8_0}) {
    const auto layout = KvLayout::of(config, format, set);
    constexpr int kPositions = 4300;  // more than a stretch
    KvSequence sequence(layout);
    sequence.reserve(kPositions);
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> keys(kPositions * 2 * 64);
    std::vector<float> values(keys.size());
    for (float& x : keys) x = normal(random);
    for (float& x : values) x = normal(random);
    for (int s = 0; s < kPositions; ++s) {
      for (int head = 0; head < 2; ++head) {
        const auto at = static_cast<std::size_t>((s * 2 + head) * 64);
        set.store_key(format, &keys[at], 64, s % 64, sequence.keys(1, head, s / 64));
        set.store_value(format, &values[at], 64, s % 64, sequence.values(1, head, s / 64));
      }
    }
    std::vector<float> query(6 * 64);
    std::vector<float> output(query.size());
    for (float& x : query) x = normal(random);
    ThreadPool pool(2);
    Attention attention(config, layout, set, pool);
    for (const int position : {0, 1, 63, 64, 127, 199, 4095, 4096, 4299}) {
      const AttentionToken token{&sequence, position, query.data(), output.data()};
      attention.run(1, {&token, 1});
      for (int head = 0; head < 6; ++head) {
        const int kv_head = head / 3;
        std::vector<double> weights;
        double sum = 0;
        for (int s = 0; s <= position; ++s) {
          double dot = 0;
          for (int i = 0; i < 64; ++i) {
            dot += static_cast<double>(query[static_cast<std::size_t>(head * 64 + i)]) *
                   static_cast<double>(keys[static_cast<std::size_t>((s * 2 + kv_head) * 64 + i)]);
          }
          weights.push_back(std::exp(dot / 8));
          sum += weights.back();
        }
        for (int i = 0; i < 64; ++i) {
          double expected = 0;
          for (int s = 0; s <= position; ++s) {
            expected +=
                weights[static_cast<std::size_t>(s)] / sum *
                static_cast<double>(values[static_cast<std::size_t>((s * 2 + kv_head) * 64 + i)]);
          }
          // 8-bit keys and queries move a score by about 0.02 here, f16 by a hundredth of that.
          const double tolerance = format == kernels::KvFormat::kF16 ? 3e-3 : 0.06;
          EXPECT_NEAR(output[static_cast<std::size_t>(head * 64 + i)], expected, tolerance);
        }
      }
    }
  }
}

// Contexts of several stretches, for one token, a few and many, over teams of any size.
TEST(Attention, ThreadsMaySplitTheContext) {
  ModelConfig config;
  config.n_layers = 1;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 32;
  constexpr int kStretch = kernels::kKeysPerPage * Attention::kStretchPages;
  constexpr int kPositions = 2 * kStretch + 100;
  config.context_length = kPositions;
  const auto& set = kernels::best_kernel_set();
  const auto layout = KvLayout::of(config, kernels::KvFormat::kQ8_0, set);
  KvSequence sequence(layout);
  sequence.reserve(kPositions);
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> row(32);
  for (int s = 0; s < kPositions; ++s) {
    for (int head = 0; head < 2; ++head) {
      for (float& x : row) x = normal(random);
      set.store_key(layout.format, row.data(), 32, s % 64, sequence.keys(0, head, s / 64));
      set.store_value(layout.format, row.data(), 32, s % 64, sequence.values(0, head, s / 64));
    }
  }
  // From all over the context, the borders of stretches among them.
  constexpr int kAt[] = {2 * kStretch + 99, kStretch, kStretch - 1, 2 * kStretch, 0, 63, 64,
                         kStretch + 1,      1};
  constexpr int kTokens = std::size(kAt);
  std::vector<float> queries(kTokens * 4 * 32);
  for (float& x : queries) x = normal(random);
  const auto run = [&](int n_threads, std::size_t n_tokens) {
    std::vector<float> outputs(queries.size());
    std::vector<AttentionToken> tokens;
    for (std::size_t t = 0; t < n_tokens; ++t) {
      const std::size_t at = t * 4 * 32;
      tokens.push_back({&sequence, kAt[t], &queries[at], &outputs[at]});
    }
    ThreadPool pool(n_threads);
    Attention attention(config, layout, set, pool);
    attention.run(0, tokens);
    return outputs;
  };
  const std::vector<float> expected = run(1, kTokens);
  for (const int n_threads : {2, 3, 8, 16}) {
    for (const std::size_t n_tokens : {std::size_t{1}, std::size_t{2}, std::size_t{kTokens}}) {
      const std::vector<float> actual = run(n_threads, n_tokens);
      const auto n = static_cast<std::ptrdiff_t>(n_tokens * 4 * 32);
      EXPECT_TRUE(std::equal(actual.begin(), actual.begin() + n, expected.begin()))
          << n_threads << " threads, " << n_tokens << " tokens";
    }
  }
}

}  // namespace
}  // namespace jevons
