// The engine on a tiny random model: what it writes is noise, but the same noise every time.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace jevons {
namespace {

std::string tiny_model() {
  for (const auto& entry :
       std::filesystem::directory_iterator(JEVONS_SOURCE_DIR "/tests/data/oracle")) {
    if (entry.path().extension() == ".gguf") return entry.path().string();
  }
  return "";
}

std::unique_ptr<Engine> open_engine(int n_threads = 2, int context = 512, int chunk = 32) {
  EngineOptions options;
  options.model_path = tiny_model();
  options.n_threads = n_threads;
  options.context_length = context;
  options.prefill_chunk = chunk;
  auto engine = Engine::open(options);
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

struct Written {
  CompletionResult result{};
  std::string text;
  std::vector<std::int32_t> ids;
  std::vector<TokenLogprob> logprobs;
  bool operator==(const Written& other) const { return text == other.text && ids == other.ids; }
};

Written write(Engine& engine, CompletionRequest request, std::stop_token cancel = {}) {
  Written written;
  CompletionSink sink;
  sink.on_chunk = [&](const CompletionChunk& chunk) {
    written.text += chunk.text;
    written.ids.insert(written.ids.end(), chunk.ids.begin(), chunk.ids.end());
    written.logprobs.insert(written.logprobs.end(), chunk.logprobs.begin(), chunk.logprobs.end());
  };
  const auto result = engine.complete(request, sink, std::move(cancel));
  EXPECT_TRUE(result) << result.error().message;
  if (result) written.result = *result;
  return written;
}

CompletionRequest request_for(std::vector<std::int32_t> prompt, int max_tokens) {
  CompletionRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.seed = 42;
  return request;
}

std::vector<std::int32_t> counting(int n) {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < n; ++i) ids.push_back(i * 7 % 250);
  return ids;
}

TEST(Engine, ACachedPrefixGivesTheSameAnswer) {
  auto engine = open_engine();
  const Written cold = write(*engine, request_for(counting(100), 20));
  EXPECT_EQ(cold.result.n_cached_tokens, 0);
  EXPECT_EQ(cold.result.n_prompt_tokens, 100);
  const Written warm = write(*engine, request_for(counting(100), 20));
  EXPECT_EQ(warm.result.n_cached_tokens, 99);  // the last token is read for its logits
  EXPECT_EQ(cold, warm);
  // A prompt that leaves the cached one after 60 tokens.
  auto other = counting(90);
  other[60] = 249;
  const Written branched = write(*engine, request_for(other, 20));
  EXPECT_EQ(branched.result.n_cached_tokens, 60);
  auto fresh = open_engine();
  EXPECT_EQ(branched, write(*fresh, request_for(other, 20)));
}

TEST(Engine, TheAnswerIsPartOfTheNextPromptsPrefix) {
  auto engine = open_engine();
  auto prompt = counting(50);
  const Written first = write(*engine, request_for(prompt, 10));
  prompt.insert(prompt.end(), first.ids.begin(), first.ids.end());
  prompt.push_back(65);
  const Written second = write(*engine, request_for(prompt, 10));
  // Each token goes through the network to find the one after it: if that ended the turn all of
  // the answer is cached, else all but its last token.
  const int unread = first.result.stop_reason == StopReason::kEndOfTurn ? 0 : 1;
  EXPECT_EQ(second.result.n_cached_tokens, 50 + static_cast<int>(first.ids.size()) - unread);
}

TEST(Engine, ThreadsAndChunksDoNotChangeTheText) {
  const auto expected = write(*open_engine(1, 512, 100), request_for(counting(130), 30));
  EXPECT_EQ(expected, write(*open_engine(3, 512, 17), request_for(counting(130), 30)));
}

TEST(Engine, ChunksAddUpToTheTokens) {
  auto engine = open_engine();
  CompletionRequest request = request_for(counting(20), 60);
  request.n_logprobs = 2;
  const Written written = write(*engine, request);
  EXPECT_EQ(static_cast<int>(written.ids.size()), written.result.n_generated_tokens);
  EXPECT_EQ(written.logprobs.size(), written.ids.size());
  for (std::size_t i = 0; i < written.ids.size(); ++i) {
    EXPECT_EQ(written.logprobs[i].id, written.ids[i]);
    EXPECT_LE(written.logprobs[i].logprob, 0.0F);
  }
}

TEST(Engine, AStopStringIsCutFromTheText) {
  auto engine = open_engine();
  const Written whole = write(*engine, request_for(counting(20), 60));
  ASSERT_GT(whole.text.size(), 12U);
  CompletionRequest request = request_for(counting(20), 60);
  const std::string stop = whole.text.substr(8, 3);
  request.stop_strings = {"never in there", stop};
  const Written stopped = write(*engine, request);
  EXPECT_EQ(stopped.result.stop_reason, StopReason::kStopString);
  EXPECT_EQ(stopped.result.stop_string, stop);
  EXPECT_EQ(stopped.text, whole.text.substr(0, whole.text.find(stop)));
}

TEST(Engine, ReasonsToStop) {
  auto engine = open_engine(2, 64);
  EXPECT_EQ(write(*engine, request_for(counting(10), 5)).result.stop_reason,
            StopReason::kMaxTokens);
  CompletionRequest endless = request_for(counting(10), 0);
  endless.sampling.logit_bias = {};
  const Written full = write(*engine, endless);
  if (full.result.stop_reason == StopReason::kContextFull) {
    EXPECT_EQ(full.result.n_prompt_tokens + full.result.n_generated_tokens, 65);
  } else {
    EXPECT_EQ(full.result.stop_reason, StopReason::kEndOfTurn);
  }
  CompletionRequest stopping = request_for(counting(10), 5);
  stopping.sampling.temperature = 0;
  const Written greedy = write(*engine, stopping);
  stopping.stop_tokens = {greedy.ids.front()};
  const Written stopped = write(*engine, stopping);
  EXPECT_EQ(stopped.result.stop_reason, StopReason::kEndOfTurn);
  EXPECT_TRUE(stopped.ids.empty());
}

TEST(Engine, CancellingKeepsWhatWasRead) {
  auto engine = open_engine();
  std::stop_source source;
  CompletionSink sink;
  sink.on_prompt_progress = [&](int n_done, int) {
    if (n_done >= 64) source.request_stop();
  };
  const auto cancelled = engine->complete(request_for(counting(300), 5), sink, source.get_token());
  ASSERT_TRUE(cancelled);
  EXPECT_EQ(cancelled->stop_reason, StopReason::kCancelled);
  EXPECT_EQ(cancelled->n_generated_tokens, 0);
  const Written resumed = write(*engine, request_for(counting(300), 5));
  EXPECT_GE(resumed.result.n_cached_tokens, 64);
  EXPECT_LT(resumed.result.n_cached_tokens, 299);
  EXPECT_EQ(resumed, write(*open_engine(), request_for(counting(300), 5)));
}

TEST(Engine, RefusesBeforeItWorks) {
  auto engine = open_engine(2, 64);
  const auto message = [&](CompletionRequest request) {
    const auto result = engine->complete(request, {});
    return result ? std::string("accepted") : result.error().message;
  };
  EXPECT_NE(message(request_for({}, 5)).find("empty"), std::string::npos);
  EXPECT_NE(message(request_for({1, 2, 1 << 20}, 5)).find("position 2"), std::string::npos);
  EXPECT_NE(message(request_for(counting(64), 5)).find("64 tokens"), std::string::npos);
  CompletionRequest hot = request_for(counting(3), 5);
  hot.sampling.temperature = -1;
  EXPECT_NE(message(hot).find("temperature"), std::string::npos);
}

TEST(Engine, OpeningNothingNamesThePath) {
  EngineOptions options;
  options.model_path = "/nowhere/model.gguf";
  const auto engine = Engine::open(options);
  ASSERT_FALSE(engine);
  EXPECT_NE(engine.error().message.find("/nowhere/model.gguf"), std::string::npos);
}

}  // namespace
}  // namespace jevons
