#include "convert/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "convert/routing_file.h"
#include "convert/throughput.h"
#include "model/open_model.h"

namespace jevons {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string fixture(const std::string& name) {
  return JEVONS_SOURCE_DIR "/tests/data/oracle/" + name;
}

std::vector<float> floats_of(const std::string& path) {
  const std::string bytes = read_file(path).value();
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

class Evaluate : public testing::Test {
 protected:
  Evaluate()
      : model_(OpenModel::open(fixture("small_blocks.gguf")).value()),
        ids_(
            read_token_ids(fixture("small_blocks.ids"), model_.weights.config.vocab_size).value()) {
  }
  ~Evaluate() override { std::filesystem::remove(path_); }

  std::vector<float> logits(const EvalOptions& options) {
    EXPECT_TRUE(write_logits(path_, model_.weights, ids_, options));
    return floats_of(path_);
  }

  const OpenModel model_;
  const std::vector<std::int32_t> ids_;
  const std::string path_ =
      testing::TempDir() + std::to_string(::getpid()) + "jevons-evaluate-test";
};

TEST_F(Evaluate, TheReferenceWritesTheLogitsOfTheOracle) {
  EvalOptions options;
  options.reference = true;
  const std::vector<float> ours = logits(options);
  const std::vector<float> theirs = floats_of(fixture("small_blocks.logits.f32"));
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(ours[i], theirs[i], 2e-3) << i;
}

TEST_F(Evaluate, BatchesAndThreadsDoNotChangeABit) {
  const std::vector<float> once = logits({});
  EXPECT_EQ(once.size(), ids_.size() * static_cast<std::size_t>(model_.weights.config.vocab_size));
  EvalOptions other;
  other.batch = 7;
  other.n_threads = 3;
  EXPECT_EQ(logits(other), once);
}

TEST_F(Evaluate, ForcingWhatWasRecordedChangesNothing) {
  RoutingTrace recorded;
  EvalOptions options;
  options.recorded = &recorded;
  const std::vector<float> free = logits(options);
  EXPECT_EQ(recorded.n_tokens, static_cast<int>(ids_.size()));
  EvalOptions forced;
  forced.forced = &recorded;
  EXPECT_EQ(logits(forced), free);
  // Other experts give other logits.
  for (std::int32_t& expert : recorded.experts) {
    expert = (expert + 1) % model_.weights.config.n_experts;
  }
  EXPECT_NE(logits(forced), free);
}

TEST_F(Evaluate, PerplexityIsThatOfTheLogits) {
  // From the file of logits, with sums of its own.
  const std::vector<float> all = logits({});
  const auto vocab_size = static_cast<std::size_t>(model_.weights.config.vocab_size);
  double sum = 0;
  for (std::size_t i = 0; i + 1 < ids_.size(); ++i) {
    long double total = 0;
    for (std::size_t k = 0; k < vocab_size; ++k) {
      total += std::exp(static_cast<long double>(all[i * vocab_size + k]));
    }
    const auto target = static_cast<std::size_t>(ids_[i + 1]);
    sum += static_cast<double>(std::log(total) -
                               static_cast<long double>(all[i * vocab_size + target]));
  }
  const double mean = sum / static_cast<double>(ids_.size() - 1);
  // One window that the text does not fill: everything but the first token is scored.
  const auto result = measure_perplexity(model_.weights, ids_, 1000, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->n_scored, static_cast<int>(ids_.size()) - 1);
  EXPECT_NEAR(result->mean_nll, mean, 1e-5);
  EXPECT_NEAR(result->perplexity, std::exp(mean), 1e-4 * std::exp(mean));
}

TEST_F(Evaluate, WindowsScoreTheirSecondHalf) {
  const auto result = measure_perplexity(model_.weights, ids_, 32, {});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->n_windows, static_cast<int>(ids_.size()) / 32);
  EXPECT_EQ(result->n_scored, 15 * result->n_windows);
  EXPECT_FALSE(measure_perplexity(model_.weights, {ids_.data(), 1}, 32, {}));
}

TEST_F(Evaluate, TokenIdsAreCheckedWithTheirPlace) {
  const auto read = [&](const std::string& text) {
    EXPECT_TRUE(write_file_atomically(path_, text));
    return read_token_ids(path_, 100);
  };
  EXPECT_EQ(read(" 1 2\n3\t99\n").value(), (std::vector<std::int32_t>{1, 2, 3, 99}));
  EXPECT_THAT(read("1 2 100").error().message,
              AllOf(HasSubstr("100 (number 3)"), HasSubstr(path_)));
  EXPECT_THAT(read("1 -1").error().message, HasSubstr("-1"));
  EXPECT_THAT(read("1 two").error().message, HasSubstr("number 2 is not a decimal"));
  EXPECT_THAT(read("1,2").error().message, HasSubstr("number 1 is not a decimal"));
  EXPECT_THAT(read("99999999999").error().message, HasSubstr("number 1"));
  EXPECT_THAT(read("\n").error().message, HasSubstr("no token ids"));
}

TEST_F(Evaluate, SpeedIsMeasuredForEveryTest) {
  SpeedOptions options;
  options.n_repetitions = 2;
  options.batch = 16;
  RoutingTrace trace =
      RoutingTrace::sized(model_.weights.config.n_layers, 1, model_.weights.config.n_experts_used);
  for (int layer = 0; layer < trace.n_layers; ++layer) {
    for (int rank = 0; rank < trace.n_used; ++rank) trace.at(layer, 0)[rank] = rank;
  }
  options.forced = &trace;
  const auto figures = measure_speed(
      model_.weights, {{true, 20, 0, 1}, {false, 3, 70, 1}, {false, 3, 5, 2}}, options);
  ASSERT_TRUE(figures) << figures.error().message;
  ASSERT_EQ(figures->size(), 3U);
  for (const SpeedFigure& figure : *figures) {
    EXPECT_EQ(figure.tokens_per_second.size(), 2U);
    EXPECT_GT(figure.mean, 0);
  }
  // Side by side, with their stages: experts are run once for all that chose them, as here all did.
  options.breakdown = true;
  int n_sampled = 0;
  options.sample = [&](std::span<const float>) { ++n_sampled; };
  const auto together = measure_speed(model_.weights, {{false, 4, 3, 2, 3}}, options);
  ASSERT_TRUE(together) << together.error().message;
  const StageTimes& stages = together->front().stages;
  const ModelConfig& config = model_.weights.config;
  EXPECT_EQ(stages.n_experts,
            2U * 4 * static_cast<unsigned>(config.n_layers * config.n_experts_used));
  EXPECT_EQ(n_sampled, 2 * 4 * 3);
  EXPECT_GT(stages.n_loops, 0U);
  EXPECT_GT(stages.experts, 0);
  EXPECT_LE(stages.waiting, stages.total());
  EXPECT_LE(stages.total(), 2 * 4 * 3 /
                                *std::min_element(together->front().tokens_per_second.begin(),
                                                  together->front().tokens_per_second.end()));
  EXPECT_FALSE(
      measure_speed(model_.weights, {{false, 1, 0, 1, 17}}, options));  // more than a batch
  options.is_cancelled = [] { return true; };
  EXPECT_FALSE(measure_speed(model_.weights, {{true, 20, 0, 1}}, options));
  // More context than any memory holds.
  options.is_cancelled = nullptr;
  EXPECT_THAT(
      measure_speed(model_.weights, {{false, 1, 2'000'000'000, 1}}, options).error().message,
      HasSubstr("MB are available"));
}

}  // namespace
}  // namespace jevons
