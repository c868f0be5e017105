// Whatever runs beside it, whatever of it was cached, however often it lost its pages: a request is
// answered as if it were alone on an engine of its own.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "engine_fixture.h"
#include "tests/base/scratch_folder.h"

namespace jevons::testing {
namespace {

using Random = std::mt19937;

int uniform(Random& random, int low, int high) {
  return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
}

// Prompts have beginnings in common, as those of agents do.
std::vector<std::int32_t> random_prompt(Random& random) {
  auto ids = counting(uniform(random, 1, 300), 100 * uniform(random, 0, 2));
  const int n_own = uniform(random, 0, 60);
  for (int i = 0; i < n_own; ++i) ids.push_back(uniform(random, 0, 249));
  return ids;
}

CompletionRequest random_request(Random& random, const Engine& engine) {
  CompletionRequest request =
      request_for(random_prompt(random), uniform(random, 1, 90), random() % 1000);
  SamplingParams& sampling = request.sampling;
  sampling.temperature = static_cast<float>(uniform(random, 0, 2));
  sampling.top_k = uniform(random, 0, 3) * 20;
  sampling.repetition_penalty = random() % 3 == 0 ? 1.2F : 1.0F;
  sampling.frequency_penalty = random() % 3 == 0 ? 0.5F : 0.0F;
  // Most answers of a random model would end at once.
  if (random() % 4 != 0) {
    sampling.logit_bias = {{engine.tokenizer().vocabulary().eos_id.value(), -1000.0F}};
    // Few different tokens repeat themselves, so that some are guessed ahead.
    for (int id = 65; random() % 2 == 0 && id < 69; ++id) {
      sampling.logit_bias.emplace_back(id, 50.0F);
    }
  }
  request.n_logprobs = uniform(random, -1, 3);
  if (random() % 3 == 0) request.stop_strings = {"e", "th"};
  request.priority = random() % 3 == 0 ? Priority::kBackground : Priority::kInteractive;
  request.client = std::string(1, static_cast<char>('a' + random() % 4));
  request.cache_scope = random() % 2 == 0 ? "one" : "two";
  request.n_shared_prefix = uniform(random, 0, 1) * 128;
  if (random() % 4 == 0) {
    request.starts_in_reasoning = true;
    request.reasoning_budget = uniform(random, 0, 20);
  }
  return request;
}

EngineOptions random_options(Random& random) {
  EngineOptions options = tiny_options();
  options.prefill_chunk = uniform(random, 1, 100);
  options.n_parallel = uniform(random, 1, 8);
  options.queue_length = 1000;
  options.slice_ms = uniform(random, 1, 200);
  options.forced_guesses = uniform(random, 0, 5);
  options.answers_go_between = random() % 2 == 0;
  return options;
}

void expect_beginning(const Written& part, const Written& whole) {
  ASSERT_LE(part.ids.size(), whole.ids.size());
  EXPECT_TRUE(std::equal(part.ids.begin(), part.ids.end(), whole.ids.begin()));
  // A character that was cut in the middle was shown as U+FFFD.
  std::string text = part.text;
  while (text.ends_with("\uFFFD")) text.resize(text.size() - 3);
  EXPECT_EQ(text, whole.text.substr(0, text.size()));
}

class Stress {
 public:
  explicit Stress(unsigned seed) : random_(seed), alone_(tiny_options()) {
    alone_.speculate = false;
  }

  /// Sends n requests in a random rhythm and cancels some of them.
  void run(const EngineOptions& options, int n_requests) {
    const auto engine = open_engine(options);
    std::vector<CompletionRequest> requests;
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<std::size_t> cancelled;
    for (int i = 0; i < n_requests; ++i) {
      requests.push_back(random_request(random_, *engine));
      clients.push_back(std::make_unique<Client>());
      clients.back()->submit(*engine, requests.back());
      if (random_() % 3 == 0) pause();
      if (random_() % 4 == 0) {
        cancelled.push_back(random_() % clients.size());
        engine->cancel(clients[cancelled.back()]->id());
      }
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const Written& written = clients[i]->wait();
      const Written expected = write(*open_engine(alone_), requests[i]);
      if (*written.end && written.result().stop_reason == StopReason::kCancelled) {
        EXPECT_NE(std::find(cancelled.begin(), cancelled.end(), i), cancelled.end());
        expect_beginning(written, expected);
      } else {
        expect_same_answer(written, expected, fmt::format("request {}", i));
        EXPECT_EQ(written.n_starts, 1);
        EXPECT_TRUE(std::is_sorted(written.progress.begin(), written.progress.end()));
        EXPECT_EQ(written.progress.back(), written.result().n_prompt_tokens);
      }
    }
    wait_for([&] { return engine->status().n_pages_used == 0; }, "no page in use");
    expect_nothing_left(*engine);
  }

  Random random_;

 private:
  void pause() { std::this_thread::sleep_for(std::chrono::microseconds(random_() % 3000)); }

  EngineOptions alone_;
};

TEST(EngineStress, EachAnswerIsWhatItWouldBeAlone) {
  for (unsigned seed = 0; seed < 6; ++seed) {
    Stress stress(seed);
    EngineOptions options = random_options(stress.random_);
    if (seed == 0) options.n_threads = 2;
    stress.run(options, 30);
  }
}

TEST(EngineStress, LosingPagesChangesNothing) {
  for (unsigned seed = 100; seed < 106; ++seed) {
    Stress stress(seed);
    EngineOptions options = random_options(stress.random_);
    options.n_parallel = uniform(stress.random_, 3, 8);
    const auto facts = open_engine(tiny_options())->facts();
    // A context has 8 pages.
    const int n_pages = uniform(stress.random_, 8, 14);
    options.kv_memory_bytes = facts.kv_bytes_per_token * 64 * static_cast<unsigned>(n_pages);
    stress.run(options, 30);
  }
}

TEST(EngineStress, AnswersThatOutgrowMemoryTakeTurns) {
  EngineOptions options = tiny_options();
  options.context_length = 2048;  // 32 pages
  const auto engine_alone = open_engine(options);
  options.n_parallel = 6;
  // Six may begin, and half of them have room to end.
  options.kv_memory_bytes = engine_alone->facts().kv_bytes_per_token * 64 * 64;
  const auto engine = open_engine(options);
  std::vector<CompletionRequest> requests;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(endless(counting(90 + i, i), *engine));
    requests.back().max_tokens = 1200;
    requests.back().n_logprobs = 0;
    if (i == 3) requests.back().priority = Priority::kBackground;
    clients.push_back(std::make_unique<Client>());
    clients.back()->submit(*engine, requests.back());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    expect_same_answer(clients[i]->wait(), write(*engine_alone, requests[i]), fmt::format("{}", i));
  }
  EXPECT_GT(engine->status().n_preempted, 0U);
  expect_nothing_left(*engine);
}

TEST(EngineStress, PagesThatComeFromDiskChangeNothing) {
  for (unsigned seed = 200; seed < 203; ++seed) {
    const ScratchFolder folder;
    Stress stress(seed);
    EngineOptions options = random_options(stress.random_);
    options.cache_dir = folder.path();
    options.kv_memory_bytes = open_engine(tiny_options())->facts().kv_bytes_per_token * 64 * 12;
    for (int restart = 0; restart < 3; ++restart) stress.run(options, 20);
  }
}

TEST(EngineStress, NanoAnswersFourAtOnceAsOneByOne) {
  EngineOptions options = tiny_options();
  options.model_path = nano_model();
  options.n_parallel = 4;
  options.prefill_chunk = 64;
  const auto together = open_engine(options);
  options.n_parallel = 1;
  const std::vector<std::string> questions = {"What is the capital of France?", "Count to ten.",
                                              "Say hello to Ada.", "Why is the sky blue?"};
  std::vector<CompletionRequest> requests;
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& question : questions) {
    requests.push_back(
        request_for(together->tokenizer().encode(question, SpecialTokens::kIgnore), 24, 7));
    requests.back().n_logprobs = 2;
    clients.push_back(std::make_unique<Client>());
    clients.back()->submit(*together, requests.back());
  }
  for (std::size_t i = 0; i < clients.size(); ++i) {
    expect_same_answer(clients[i]->wait(), write(*open_engine(options), requests[i]), questions[i]);
  }
}

}  // namespace
}  // namespace jevons::testing
