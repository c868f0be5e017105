#include "convert/routing_lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/atomic_file.h"
#include "convert/evaluate.h"
#include "convert/routing_file.h"
#include "model/open_model.h"
#include "model/routing_recorder.h"
#include "tests/base/scratch_folder.h"

namespace jevons {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelConfig shape(int n_layers, int n_experts = 4, int n_used = 2) {
  ModelConfig config;
  config.n_layers = n_layers;
  config.n_experts = n_experts;
  config.n_experts_used = n_used;
  return config;
}

RoutingTrace read(const std::string& text, int n_layers = 2) {
  const auto trace = parse_routing_lines(text, shape(n_layers));
  EXPECT_TRUE(trace) << trace.error().message;
  return trace.value_or(RoutingTrace{});
}

std::string complaint(const std::string& text, int n_layers = 2) {
  const auto trace = parse_routing_lines(text, shape(n_layers));
  EXPECT_FALSE(trace) << text;
  return trace ? "" : trace.error().message;
}

TEST(RoutingLines, TokensOfAPassComeLayerByLayer) {
  const RoutingTrace trace = read(
      "[0,[0,1]]\n[0,[1,2]]\n[0,[2,3]]\n"
      "[1,[3,0]]\n[1,[3,1]]\n[1,[3,2]]\n"
      "[0,[1,0]]\n"
      "[1,[2,1]]\n");
  EXPECT_EQ(trace.n_layers, 2);
  EXPECT_EQ(trace.n_used, 2);
  EXPECT_EQ(trace.n_tokens, 4);
  EXPECT_THAT(trace.experts, ElementsAre(0, 1, 1, 2, 2, 3, 1, 0, 3, 0, 3, 1, 3, 2, 2, 1));
}

TEST(RoutingLines, TokensMayEndBeforeTheLastLayer) {
  const RoutingTrace trace = read("[0,[0,1]]\n[0,[1,2]]\n[1,[]]\n[1,[3,1]]\n");
  EXPECT_EQ(trace.n_tokens, 2);
  EXPECT_TRUE(trace.has(0, 0));
  EXPECT_FALSE(trace.has(1, 0));
  EXPECT_TRUE(trace.has(1, 1));
}

TEST(RoutingLines, PassesThatWereGivenUpAreLeftOut) {
  // After the second of three layers, and after the first one with two tokens.
  const RoutingTrace trace = read(
      "[0,[0,1]]\n[1,[0,1]]\n"
      "[0,[0,2]]\n[1,[0,2]]\n[2,[0,2]]\n"
      "[0,[1,2]]\n[0,[1,3]]\n"
      "[0,[0,3]]\n[1,[0,3]]\n[2,[0,3]]\n"
      "[0,[3,2]]\n",
      3);
  EXPECT_EQ(trace.n_tokens, 2);
  EXPECT_THAT(trace.experts, ElementsAre(0, 2, 0, 3, 0, 2, 0, 3, 0, 2, 0, 3));
}

TEST(RoutingLines, OneLayerIsEnough) {
  EXPECT_THAT(read("[0,[0,1]]\n[0,[1,2]]\n", 1).experts, ElementsAre(0, 1, 1, 2));
}

TEST(RoutingLines, SpacesAndAMissingEndOfLineDoNotMatter) {
  EXPECT_THAT(read(" [ 0 , [ 0 , 1 ] ] \r\n\n[1, [2, 3]]").experts, ElementsAre(0, 1, 2, 3));
}

TEST(RoutingLines, ErrorsNameTheLine) {
  EXPECT_THAT(complaint("[0,[0,1]]\n[1,[0,1]\n"), HasSubstr("line 2 must be [layer,[experts]]"));
  EXPECT_THAT(complaint("[0,[0,1]]]\n"), HasSubstr("line 1 must be"));
  EXPECT_THAT(complaint("[0,[0,]]\n"), HasSubstr("line 1 must be"));
  EXPECT_THAT(complaint("[0,[0,1.5]]\n"), HasSubstr("line 1 must be"));
  EXPECT_THAT(complaint("[0,[0,99999999999999999999]]\n"), HasSubstr("line 1 must be"));
  EXPECT_THAT(complaint("[2,[0,1]]\n"), HasSubstr("line 1 is of layer 2, and the model has 2"));
  EXPECT_THAT(complaint("[-1,[0,1]]\n"), HasSubstr("layer -1"));
  EXPECT_THAT(complaint("[0,[0,4]]\n"), HasSubstr("names expert 4, and there are 4"));
  EXPECT_THAT(complaint("[0,[0,-1]]\n"), HasSubstr("names expert -1"));
  EXPECT_THAT(complaint("[0,[1,1]]\n"), HasSubstr("names expert 1 twice"));
  EXPECT_THAT(complaint("[0,[1]]\n"), HasSubstr("names 1 experts, and a token takes 2"));
  EXPECT_THAT(complaint("[0,[]]\n"), HasSubstr("names 0 experts"));
  EXPECT_THAT(complaint("[1,[0,1]]\n"), HasSubstr("line 1 is of layer 1, and must be of layer 0"));
  EXPECT_THAT(complaint("[0,[0,1]]\n[2,[0,1]]\n", 3), HasSubstr("must be of layer 0 or 1"));
  EXPECT_THAT(complaint("[0,[0,1]]\n[1,[0,1]]\n[1,[0,1]]\n[0,[0,1]]\n"),
              HasSubstr("before line 4 there are 2 tokens of layer 1, and 1 of layer 0"));
  EXPECT_THAT(complaint("[0,[0,1]]\n"), HasSubstr("no pass went through all 2 layers"));
  EXPECT_THAT(complaint(""), HasSubstr("no pass"));
}

// What the network records comes back, whatever the batches, and so does the part that is there
// after the program was killed at any moment.
TEST(RoutingLines, WhatIsRecordedComesBackFromAnyCut) {
  const std::string name = JEVONS_SOURCE_DIR "/tests/data/oracle/small_blocks";
  const OpenModel model = OpenModel::open(name + ".gguf").value();
  const ModelConfig& config = model.weights.config;
  auto ids = read_token_ids(name + ".ids", config.vocab_size).value();
  ids.resize(std::min<std::size_t>(ids.size(), 12));
  const ScratchFolder folder;
  for (const int batch : {1, 5, 12}) {
    const std::string path = folder / fmt::format("trace-{}", batch);
    RoutingTrace taken;
    EvalOptions options;
    options.batch = batch;
    options.recorded = &taken;
    const auto recorder = RoutingRecorder::create(path).value();
    options.recorder = recorder.get();
    const auto ignore = [](int, int, const float*) { return Result<void>(); };
    ASSERT_TRUE(for_each_logits(model.weights, ids, options, ignore));
    const auto whole = read_routing(path, config);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(whole->experts, taken.experts);

    const std::string text = read_file(path).value();
    for (std::size_t n = 0; n < text.size(); n += 1 + n % 3) {
      const auto part = parse_routing_lines(text.substr(0, n), config);
      if (!part) {
        EXPECT_THAT(part.error().message, HasSubstr("no pass")) << n;
        continue;
      }
      // A line is whole without its end, too.
      const bool is_whole = n + 1 == text.size() && part->n_tokens == taken.n_tokens;
      EXPECT_TRUE(part->n_tokens % batch == 0 || is_whole) << n;
      ASSERT_LE(part->n_tokens, taken.n_tokens);
      for (int layer = 0; layer < config.n_layers; ++layer) {
        const std::span expected(taken.at(layer, 0),
                                 static_cast<std::size_t>(part->n_tokens * taken.n_used));
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), part->at(layer, 0))) << n;
      }
    }
  }
}

TEST(RoutingLines, TheReferenceRecordsToo) {
  const std::string name = JEVONS_SOURCE_DIR "/tests/data/oracle/f32";
  const OpenModel model = OpenModel::open(name + ".gguf").value();
  const auto ids = read_token_ids(name + ".ids", model.weights.config.vocab_size).value();
  const ScratchFolder folder;
  const auto recorder = RoutingRecorder::create(folder / "trace").value();
  EvalOptions options;
  options.reference = true;
  options.recorder = recorder.get();
  const auto ignore = [](int, int, const float*) { return Result<void>(); };
  ASSERT_TRUE(for_each_logits(model.weights, ids, options, ignore));
  const auto trace = read_routing(folder / "trace", model.weights.config);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->n_tokens, static_cast<int>(ids.size()));
}

}  // namespace
}  // namespace jevons
