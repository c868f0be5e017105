// The network against logits that tools/oracle computed from the published description alone.
#include <gtest/gtest.h>

#include "model/reference.h"
#include "tests/model/fixtures.h"

namespace jevons::testing {
namespace {

class Oracle : public ::testing::TestWithParam<std::string> {};

TEST_P(Oracle, ReferenceAgrees) {
  const OpenModel open = open_fixture(GetParam());
  const auto ids = fixture_ids(GetParam());
  const auto expected = fixture_logits(GetParam());
  const auto vocab_size = static_cast<std::size_t>(open.weights.config.vocab_size);
  ASSERT_EQ(expected.size(), ids.size() * vocab_size);
  ThreadPool pool(2);
  const auto logits = reference_forward(open.weights, ids, pool);
  const Distance d = distance(expected, logits, vocab_size);
  EXPECT_LT(d.max_relative, 1e-3);
  EXPECT_LT(d.mean_kl, 1e-6);
  EXPECT_EQ(d.greedy_misses, 0);
}

// With the experts forced, only the rounding of activations and of the cache is left.
TEST_P(Oracle, ProductPathIsNearWhenTheExpertsAreTheSame) {
  const OpenModel open = open_fixture(GetParam());
  const auto ids = fixture_ids(GetParam());
  const ModelConfig& config = open.weights.config;
  ThreadPool pool(2);
  RoutingTrace trace =
      RoutingTrace::sized(config.n_layers, static_cast<int>(ids.size()), config.n_experts_used);
  const auto expected = reference_forward(open.weights, ids, pool, {nullptr, &trace});
  for (const auto format : {kernels::KvFormat::kF16, kernels::KvFormat::kQ8_0}) {
    Model model(open.weights, {2, 64, format, nullptr});
    const auto logits = run_in_chunks(model, ids, 64, {&trace, nullptr});
    const Distance d = distance(expected, logits, static_cast<std::size_t>(config.vocab_size));
    // Measured: at most 0.0003, and 0.0006 for fused_experts.
    EXPECT_LT(d.mean_kl, 1e-3);
    RecordProperty("mean_kl_1e9", static_cast<int>(d.mean_kl * 1e9));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, Oracle, ::testing::ValuesIn(fixture_names()), [](const auto& test) {
      std::string name = test.param;
      std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(c); }, '_');
      return name;
    });

}  // namespace
}  // namespace jevons::testing
