// Engines on the tiny random models and on nano, and what a client sees of an answer.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/engine.h"

namespace jevons::testing {

inline std::string tiny_model(const std::string& name = "f32") {
  return JEVONS_SOURCE_DIR "/tests/data/oracle/" + name + ".gguf";
}
inline std::string nano_model() { return JEVONS_SOURCE_DIR "/models/nano.gguf"; }

inline EngineOptions tiny_options() {
  EngineOptions options;
  options.model_path = tiny_model();
  options.n_threads = 1;
  options.context_length = 512;
  options.prefill_chunk = 32;
  return options;
}

inline std::unique_ptr<Engine> open_engine(const EngineOptions& options) {
  auto engine = Engine::open(options);
  EXPECT_TRUE(engine) << engine.error().message;
  return std::move(*engine);
}

/// All that a client is told of one request.
struct Written {
  std::optional<Result<CompletionResult>> end;
  std::string text;
  std::vector<std::int32_t> ids;
  std::vector<TokenLogprob> logprobs;
  std::vector<std::vector<TokenLogprob>> alternatives;
  std::vector<int> progress;
  int n_starts = 0;

  [[nodiscard]] const CompletionResult& result() const { return **end; }
};

inline bool same_logprobs(const std::vector<TokenLogprob>& a, const std::vector<TokenLogprob>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const TokenLogprob& x, const TokenLogprob& y) {
                      return x.id == y.id && x.logprob == y.logprob;
                    });
}

/// Whether both were told the same answer, to the last bit of each probability.
inline void expect_same_answer(const Written& a, const Written& b, const std::string& what) {
  ASSERT_TRUE(a.end && *a.end && b.end && *b.end) << what;
  EXPECT_EQ(a.ids, b.ids) << what;
  EXPECT_EQ(a.text, b.text) << what;
  EXPECT_EQ(a.result().stop_reason, b.result().stop_reason) << what;
  EXPECT_EQ(a.result().stop_string, b.result().stop_string) << what;
  EXPECT_EQ(a.result().n_generated_tokens, b.result().n_generated_tokens) << what;
  EXPECT_EQ(a.result().n_reasoning_tokens, b.result().n_reasoning_tokens) << what;
  EXPECT_TRUE(same_logprobs(a.logprobs, b.logprobs)) << what;
  ASSERT_EQ(a.alternatives.size(), b.alternatives.size()) << what;
  for (std::size_t i = 0; i < a.alternatives.size(); ++i) {
    EXPECT_TRUE(same_logprobs(a.alternatives[i], b.alternatives[i])) << what;
  }
}

/// A client that can be waited for. Outlives the engine's use of it.
class Client {
 public:
  std::function<void(Client&)> at_progress, at_chunk;  // on the engine's thread

  void submit(Engine& engine, CompletionRequest request) {
    CompletionSink sink;
    sink.on_start = [this](const CacheReport&) { ++written_.n_starts; };
    sink.on_prompt_progress = [this](int n_done, int) {
      written_.progress.push_back(n_done);
      if (at_progress) at_progress(*this);
    };
    sink.on_chunk = [this](const CompletionChunk& chunk) { take(chunk); };
    sink.on_end = [this](const Result<CompletionResult>& result) {
      const std::lock_guard lock(mutex_);
      EXPECT_FALSE(written_.end) << "on_end came twice";
      written_.end = result;
      ended_.notify_all();
    };
    const auto id = engine.submit(std::move(request), std::move(sink));
    ASSERT_TRUE(id) << id.error().message;
    const std::lock_guard lock(mutex_);
    id_ = *id;
    ended_.notify_all();
  }
  /// Waits until submit() has returned it.
  [[nodiscard]] CompletionId id() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return id_ != 0; });
    return id_;
  }
  [[nodiscard]] const Written& wait() {
    std::unique_lock lock(mutex_);
    const bool in_time =
        ended_.wait_for(lock, std::chrono::minutes(5), [&] { return written_.end.has_value(); });
    EXPECT_TRUE(in_time) << "the engine hangs";
    if (!in_time) std::abort();
    return written_;
  }
  [[nodiscard]] bool has_ended() {
    const std::lock_guard lock(mutex_);
    return written_.end.has_value();
  }
  /// Only on the engine's thread or after wait().
  [[nodiscard]] const Written& written() const { return written_; }

 private:
  void take(const CompletionChunk& chunk) {
    written_.text += chunk.text;
    const auto append = [](auto& to, const auto& from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(written_.ids, chunk.ids);
    append(written_.logprobs, chunk.logprobs);
    append(written_.alternatives, chunk.alternatives);
    if (at_chunk) at_chunk(*this);
  }

  std::mutex mutex_;
  std::condition_variable ended_;
  CompletionId id_ = 0;
  Written written_;
};

inline Written write(Engine& engine, CompletionRequest request) {
  Client client;
  client.submit(engine, std::move(request));
  return client.wait();
}

/// Waits for a state of the engine that comes without our doing.
inline void wait_for(const std::function<bool()>& condition, const std::string& what) {
  for (int i = 0; i < 60'000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  FAIL() << "never: " << what;
}

inline std::optional<EngineStatus::Sequence> seen(const Engine& engine, CompletionId id) {
  for (const EngineStatus::Sequence& sequence : engine.status().sequences) {
    if (sequence.id == id) return sequence;
  }
  return std::nullopt;
}

inline bool is_in(const Engine& engine, CompletionId id, EngineStatus::Sequence::Phase phase) {
  const auto sequence = seen(engine, id);
  return sequence && sequence->phase == phase;
}

/// Nothing is held for anybody any more.
inline void expect_nothing_left(const Engine& engine) {
  const EngineStatus status = engine.status();
  EXPECT_TRUE(status.sequences.empty());
  EXPECT_EQ(status.n_pages_used, 0);
  EXPECT_FALSE(status.has_work);
  EXPECT_EQ(status.n_accepted, status.n_finished + status.n_cancelled + status.n_failed);
}

inline CompletionRequest request_for(std::vector<std::int32_t> prompt, int max_tokens,
                                     std::uint64_t seed = 42) {
  CompletionRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling.seed = seed;
  return request;
}

/// Ordinary tokens of the tiny models.
inline std::vector<std::int32_t> counting(int n, int first = 0) {
  std::vector<std::int32_t> ids;
  for (int i = 0; i < n; ++i) ids.push_back((first + i) * 7 % 250);
  return ids;
}

/// An answer that does not end by itself.
inline CompletionRequest endless(std::vector<std::int32_t> prompt, const Engine& engine) {
  CompletionRequest request = request_for(std::move(prompt), 0);
  request.sampling.logit_bias = {{engine.tokenizer().vocabulary().eos_id.value(), -1000.0F}};
  return request;
}

}  // namespace jevons::testing
