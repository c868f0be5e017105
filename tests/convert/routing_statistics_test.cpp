#include "convert/routing_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "convert/evaluate.h"
#include "convert/routing_generator.h"
#include "model/open_model.h"

namespace jevons {
namespace {

RoutingTrace trace_of(int n_layers, const std::vector<std::vector<std::int32_t>>& tokens) {
  RoutingTrace trace = RoutingTrace::sized(n_layers, static_cast<int>(tokens.size()),
                                           static_cast<int>(tokens.front().size()));
  for (int layer = 0; layer < n_layers; ++layer) {
    for (int token = 0; token < trace.n_tokens; ++token) {
      std::ranges::copy(tokens[static_cast<std::size_t>(token)], trace.at(layer, token));
    }
  }
  return trace;
}

TEST(RoutingStatistics, CountByHand) {
  const RoutingTrace chosen = trace_of(2, {{0, 1}, {1, 2}, {1, 0}});
  const RoutingTrace foreseen = trace_of(2, {{1, 0}, {2, 3}, {3, 2}});
  RoutingStatistics statistics(2, 4, 2);
  statistics.add(chosen, foreseen);
  const RoutingFigures figures = statistics.figures();
  EXPECT_EQ(figures.n_tokens, 3);
  EXPECT_DOUBLE_EQ(figures.overlap[0], 0.5);  // one of two, twice
  EXPECT_DOUBLE_EQ(figures.overlap[1], 1.0);  // the third is the first, in another order
  EXPECT_DOUBLE_EQ(figures.overlap[2], 0.0);  // nothing is so long
  EXPECT_DOUBLE_EQ(figures.overlap_by_chance, 0.5);
  EXPECT_DOUBLE_EQ(figures.foreseen, 3.0 / 6);
  EXPECT_DOUBLE_EQ(figures.top_8th, 0.0);  // no stretch is that long
  EXPECT_DOUBLE_EQ(figures.busiest, 2.0);
  EXPECT_EQ(figures.n_idle, 2);  // expert 3 in both layers
  EXPECT_EQ(figures.n_experts, 8);
}

// Each stretch of 32 tokens has an expert of its own that all its tokens take, and one by turns.
TEST(RoutingStatistics, ConcentrationIsThatOfStretches) {
  std::vector<std::vector<std::int32_t>> tokens;
  for (int i = 0; i < 64; ++i) tokens.push_back({i / 32, 2 + i % 14});
  RoutingStatistics statistics(1, 16, 2);
  const RoutingTrace trace = trace_of(1, tokens);
  statistics.add(trace, trace);
  EXPECT_DOUBLE_EQ(statistics.figures().top_8th, 35.0 / 64);  // of 16 experts 2: 32 and 3 uses
  EXPECT_DOUBLE_EQ(statistics.figures().top_32nd, 0.0);       // half an expert is none
}

TEST(RoutingStatistics, TokensThatEndEarlyAreLeftOut) {
  RoutingTrace chosen = trace_of(2, {{0, 1}, {0, 1}});
  chosen.at(1, 0)[0] = kNoExpert;
  RoutingStatistics statistics(2, 4, 2);
  statistics.add(chosen, trace_of(2, {{2, 3}, {0, 1}}));
  EXPECT_DOUBLE_EQ(statistics.figures().foreseen, 1.0);
  EXPECT_DOUBLE_EQ(statistics.figures().overlap[0], 1.0);
}

// The generator is fitted to M2.5's overlaps; its look ahead is drawn with a known recall.
TEST(RoutingStatistics, SeeOfAGeneratedSessionWhatWasPutIn) {
  GeneratedSession session;
  session.drift = 0;
  const auto routing = generate_routing(session);
  ASSERT_TRUE(routing);
  RoutingStatistics statistics(session.n_layers, session.n_experts, session.n_used);
  statistics.add(routing->chosen, routing->guessed);
  const RoutingFigures figures = statistics.figures();
  EXPECT_NEAR(figures.overlap[0], 0.31, 0.04);
  EXPECT_NEAR(figures.overlap[4], 0.19, 0.04);
  double recall = 0;
  for (int layer = 1; layer < session.n_layers; ++layer) {
    recall += guess_recall(layer, session.n_layers) / static_cast<double>(session.n_layers - 1);
  }
  EXPECT_NEAR(figures.foreseen, recall, 0.02);
  // Of M2.5: 31 to 41 % and 69 to 79 %.
  EXPECT_NEAR(figures.top_32nd, 0.36, 0.07);
  EXPECT_NEAR(figures.top_8th, 0.72, 0.08);
}

class Foreseen : public testing::Test {
 protected:
  // Chosen and foreseen experts of the fixture's text, with weights as they are or changed.
  std::pair<RoutingTrace, RoutingTrace> traces(int batch) {
    const std::string base = JEVONS_SOURCE_DIR "/tests/data/oracle/f32";
    const auto ids = read_token_ids(base + ".ids", weights().config.vocab_size).value();
    RoutingTrace chosen;
    RoutingTrace foreseen;
    EvalOptions options;
    options.batch = batch;
    options.recorded = &chosen;
    options.foreseen = &foreseen;
    const auto ignore = [](int, int, const float*) -> Result<void> { return {}; };
    EXPECT_TRUE(for_each_logits(weights(), ids, options, ignore));
    return {chosen, foreseen};
  }
  M2Weights& weights() { return model_.weights; }

  // The layer then adds nothing to the hidden state.
  void silence(int layer_that_attends, int layer_of_experts) {
    Matrix& output =
        weights().layers[static_cast<std::size_t>(layer_that_attends)].attention_output;
    ExpertMatrices& down = weights().layers[static_cast<std::size_t>(layer_of_experts)].down;
    zeros_.assign(std::max(output.row_bytes * static_cast<std::size_t>(output.n_rows),
                           down.expert_stride_bytes * static_cast<std::size_t>(down.n_experts)),
                  std::byte{0});
    output.data = down.data = zeros_.data();
  }

  OpenModel model_ = OpenModel::open(JEVONS_SOURCE_DIR "/tests/data/oracle/f32.gguf").value();
  std::vector<std::byte> zeros_;
};

TEST_F(Foreseen, IsTheTruthWhereNothingHappensInBetween) {
  silence(1, 0);
  const auto [chosen, foreseen] = traces(64);
  for (int token = 0; token < chosen.n_tokens; ++token) {
    EXPECT_TRUE(
        std::equal(chosen.at(1, token), chosen.at(1, token) + chosen.n_used, foreseen.at(1, token)))
        << "token " << token;
  }
}

TEST_F(Foreseen, IsNotTheTruthOtherwiseAndTheSameForAnyBatch) {
  const auto [chosen, foreseen] = traces(64);
  const auto [chosen_of_3, foreseen_of_3] = traces(3);
  EXPECT_EQ(foreseen.experts, foreseen_of_3.experts);
  EXPECT_EQ(chosen.experts, chosen_of_3.experts);
  EXPECT_NE(foreseen.experts, chosen.experts);
}

}  // namespace
}  // namespace jevons
