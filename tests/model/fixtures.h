// The tiny models of tests/data/oracle with the logits that tools/oracle computed for them, and the
// shipped model where a test wants something that talks.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/open_model.h"

namespace jevons::testing {

/// Names (without extension) of all fixtures, sorted.
inline std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(JEVONS_SOURCE_DIR "/tests/data/oracle")) {
    if (entry.path().extension() == ".gguf") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string fixture_path(const std::string& name, const std::string& extension) {
  return JEVONS_SOURCE_DIR "/tests/data/oracle/" + name + extension;
}

inline OpenModel open_fixture(const std::string& name) {
  auto open = OpenModel::open(fixture_path(name, ".gguf"));
  if (!open) throw std::runtime_error(open.error().message);
  return std::move(*open);
}

inline std::vector<std::int32_t> fixture_ids(const std::string& name) {
  std::ifstream file(fixture_path(name, ".ids"));
  return {std::istream_iterator<std::int32_t>(file), {}};
}

/// [n_tokens][vocab_size]
inline std::vector<float> fixture_logits(const std::string& name) {
  std::ifstream file(fixture_path(name, ".logits.f32"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<float> logits(bytes.size() / sizeof(float));
  std::memcpy(logits.data(), bytes.data(), logits.size() * sizeof(float));
  return logits;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

inline std::vector<std::int32_t> random_ids(const ModelConfig& config, std::size_t n,
                                            unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::int32_t> ids(n);
  for (auto& id : ids) {
    id = static_cast<std::int32_t>(random() % static_cast<unsigned>(config.vocab_size));
  }
  return ids;
}

/// How far `theirs` is from `mine`, rows of [vocab_size].
struct Distance {
  double mean_kl = 0;       // of softmax(theirs) from softmax(mine), natural logarithm
  double max_relative = 0;  // largest difference over the spread (max - min) of mine
  int greedy_misses = 0;    // rows whose largest logit differs
};

inline std::vector<double> log_softmax(std::span<const float> row) {
  const double maximum = *std::max_element(row.begin(), row.end());
  double sum = 0;
  for (const float x : row) sum += std::exp(static_cast<double>(x) - maximum);
  std::vector<double> out(row.begin(), row.end());
  for (double& x : out) x -= maximum + std::log(sum);
  return out;
}

inline Distance distance(std::span<const float> mine, std::span<const float> theirs,
                         std::size_t vocab_size) {
  Distance d;
  const std::size_t n_rows = mine.size() / vocab_size;
  for (std::size_t r = 0; r < n_rows; ++r) {
    const auto a = mine.subspan(r * vocab_size, vocab_size);
    const auto b = theirs.subspan(r * vocab_size, vocab_size);
    const auto p = log_softmax(a);
    const auto q = log_softmax(b);
    const auto [low, high] = std::minmax_element(a.begin(), a.end());
    const double spread = *high - *low;
    for (std::size_t i = 0; i < vocab_size; ++i) {
      d.mean_kl += std::exp(p[i]) * (p[i] - q[i]) / static_cast<double>(n_rows);
      d.max_relative = std::max(
          d.max_relative, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])) / spread);
    }
    const auto best = std::max_element(a.begin(), a.end()) - a.begin();
    d.greedy_misses += std::max_element(b.begin(), b.end()) - b.begin() != best ? 1 : 0;
  }
  return d;
}

/// Logits of every token, read in chunks of `chunk` tokens by one fresh sequence.
inline std::vector<float> run_in_chunks(Model& model, std::span<const std::int32_t> ids,
                                        std::size_t chunk, const RoutingHooks& hooks = {}) {
  const auto vocab_size = static_cast<std::size_t>(model.config().vocab_size);
  std::vector<float> logits(ids.size() * vocab_size);
  KvSequence sequence(model.kv_layout());
  sequence.reserve(static_cast<int>(ids.size()));
  for (std::size_t start = 0; start < ids.size(); start += chunk) {
    std::vector<BatchToken> batch;
    for (std::size_t i = start; i < std::min(ids.size(), start + chunk); ++i) {
      batch.push_back({ids[i], static_cast<int>(i), &sequence, true});
    }
    const auto done = model.forward(batch, logits.data() + start * vocab_size, hooks);
    if (!done) throw std::runtime_error(done.error().message);
  }
  return logits;
}

}  // namespace jevons::testing
