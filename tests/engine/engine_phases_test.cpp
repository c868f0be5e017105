// What happens to a request in each of its phases: cancellation, deadlines, waiting for others.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "engine_fixture.h"

namespace jevons::testing {
namespace {

using Phase = EngineStatus::Sequence::Phase;

EngineOptions roomy_options(int n_parallel) {
  EngineOptions options = tiny_options();
  options.context_length = 4096;
  options.prefill_chunk = 8;
  options.n_parallel = n_parallel;
  return options;
}

// Holds the engine up at each slice of its prompt and each piece of its answer, until the test has
// seen what it wanted.
class SlowReader : public Client {
 public:
  SlowReader() {
    at_progress = at_chunk = [this](Client&) { linger(); };
  }
  void release() { released_ = true; }

 private:
  void linger() const {
    if (!released_) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::atomic<bool> released_{false};
};

Written alone(const CompletionRequest& request) {
  return write(*open_engine(roomy_options(1)), request);
}

TEST(EnginePhases, CancelledInTheQueue) {
  const auto engine = open_engine(roomy_options(1));
  SlowReader first;
  Client second;
  first.submit(*engine, request_for(counting(3000), 5));
  second.submit(*engine, request_for(counting(50, 9), 5));
  wait_for([&] { return is_in(*engine, second.id(), Phase::kQueued); }, "second is queued");
  engine->cancel(second.id());
  EXPECT_EQ(second.wait().result().stop_reason, StopReason::kCancelled);
  EXPECT_EQ(second.wait().n_starts, 0);
  EXPECT_FALSE(first.has_ended());
  first.release();
  expect_same_answer(first.wait(), alone(request_for(counting(3000), 5)), "first");
  expect_nothing_left(*engine);
}

TEST(EnginePhases, CancelledWhileWaitingForAPrefix) {
  const auto engine = open_engine(roomy_options(2));
  SlowReader first;
  Client second;
  first.submit(*engine, request_for(counting(3000), 5));
  second.submit(*engine, request_for(counting(3000), 5));
  wait_for([&] { return is_in(*engine, second.id(), Phase::kWaitingForPrefix); }, "second waits");
  engine->cancel(second.id());
  EXPECT_EQ(second.wait().result().stop_reason, StopReason::kCancelled);
  EXPECT_FALSE(first.has_ended());
  first.release();
  expect_same_answer(first.wait(), alone(request_for(counting(3000), 5)), "first");
  expect_nothing_left(*engine);
}

TEST(EnginePhases, WhoWaitsForAPrefixGoesOnWhenItsReaderIsCancelled) {
  const auto engine = open_engine(roomy_options(4));
  SlowReader first;
  std::vector<std::unique_ptr<Client>> others;
  first.submit(*engine, request_for(counting(3000), 5));
  for (int i = 0; i < 3; ++i) {
    others.push_back(std::make_unique<Client>());
    others.back()->submit(*engine, request_for(counting(3000), 5));
  }
  for (const auto& other : others) {
    wait_for([&] { return is_in(*engine, other->id(), Phase::kWaitingForPrefix); }, "waits");
  }
  wait_for([&] { return seen(*engine, first.id())->n_prompt_done >= 128; }, "two pages are there");
  engine->cancel(first.id());
  first.release();
  EXPECT_EQ(first.wait().result().stop_reason, StopReason::kCancelled);
  const Written expected = alone(request_for(counting(3000), 5));
  for (const auto& other : others) {
    expect_same_answer(other->wait(), expected, "other");
    EXPECT_GE(other->wait().result().n_cached_tokens, 128);
  }
  expect_nothing_left(*engine);
  // The prompt went through the network once, but for what each reads for itself: the last page.
  EXPECT_LE(engine->status().n_prompt_tokens, 3000U + 4 * 64);
}

TEST(EnginePhases, APromptThatManySendIsReadOnce) {
  const auto engine = open_engine(roomy_options(4));
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<Client>());
    // The same first 2,000 tokens, then a question of one's own.
    auto prompt = counting(2000);
    for (const std::int32_t id : counting(30, 10 * i)) prompt.push_back(id);
    clients.back()->submit(*engine, request_for(std::move(prompt), 5));
  }
  for (const auto& client : clients) {
    EXPECT_EQ(client->wait().result().stop_reason, StopReason::kMaxTokens);
  }
  const EngineStatus status = engine->status();
  EXPECT_GE(status.n_prompt_tokens, 2000U);
  EXPECT_LE(status.n_prompt_tokens, 2000U + 6 * (30 + 64));
  EXPECT_EQ(status.n_prompt_tokens + status.n_cached_tokens, 6U * 2030);
  expect_nothing_left(*engine);
}

TEST(EnginePhases, ScopesShareOnlyWhatBothCallShared) {
  const auto engine = open_engine(roomy_options(1));
  CompletionRequest request = request_for(counting(500), 3);
  request.cache_scope = "one";
  request.n_shared_prefix = 200;
  (void)write(*engine, request);
  request.cache_scope = "two";
  EXPECT_EQ(write(*engine, request).result().n_cached_tokens, 192);
  request.cache_scope = "three";
  request.n_shared_prefix = 0;
  EXPECT_EQ(write(*engine, request).result().n_cached_tokens, 0);
}

TEST(EnginePhases, CancelledWhileItsPromptIsRead) {
  const auto engine = open_engine(roomy_options(2));
  Client client;
  client.at_progress = [&](Client& self) {
    if (self.written().progress.back() >= 500) engine->cancel(self.id());
  };
  client.submit(*engine, request_for(counting(3000), 5));
  const CompletionResult& result = client.wait().result();
  EXPECT_EQ(result.stop_reason, StopReason::kCancelled);
  EXPECT_EQ(result.n_generated_tokens, 0);
  // Within one step: nothing was read after it.
  EXPECT_LT(client.wait().progress.back(), 500 + 2 * 8);
  expect_nothing_left(*engine);
  // And what was read stays.
  EXPECT_GE(write(*engine, request_for(counting(3000), 5)).result().n_cached_tokens, 448);
}

TEST(EnginePhases, CancelledWhileItWrites) {
  const auto engine = open_engine(roomy_options(2));
  Client client;
  Client other;
  client.at_chunk = [&](Client& self) {
    if (self.written().ids.size() >= 20) engine->cancel(self.id());
  };
  client.submit(*engine, endless(counting(20), *engine));
  CompletionRequest request = endless(counting(40, 5), *engine);
  request.max_tokens = 300;
  other.submit(*engine, request);
  EXPECT_EQ(client.wait().result().stop_reason, StopReason::kCancelled);
  EXPECT_LT(client.wait().ids.size(), 200U);
  expect_same_answer(other.wait(), alone(request), "other");
  expect_nothing_left(*engine);
}

TEST(EnginePhases, UnknownIdsAreIgnored) {
  const auto engine = open_engine(roomy_options(1));
  engine->cancel(7);
  const Written written = write(*engine, request_for(counting(20), 3));
  engine->cancel(1);
  EXPECT_EQ(written.result().stop_reason, StopReason::kMaxTokens);
}

TEST(EnginePhases, DeadlinesHoldInEveryPhase) {
  EngineOptions options = roomy_options(1);
  const auto engine = open_engine(options);
  CompletionRequest late = request_for(counting(50), 5);
  late.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
  const Written before = write(*engine, late);
  EXPECT_EQ(before.result().stop_reason, StopReason::kDeadline);
  EXPECT_TRUE(before.ids.empty());

  // In the queue, while another is read.
  SlowReader first;
  Client second;
  first.submit(*engine, request_for(counting(3000), 5));
  late.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(30);
  second.submit(*engine, late);
  EXPECT_EQ(second.wait().result().stop_reason, StopReason::kDeadline);
  EXPECT_FALSE(first.has_ended());
  first.release();

  // While it is read: the first slices alone take longer than that.
  SlowReader third;
  CompletionRequest long_prompt = request_for(counting(3000, 17), 5);
  long_prompt.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  third.submit(*engine, long_prompt);
  EXPECT_EQ(third.wait().result().stop_reason, StopReason::kDeadline);
  EXPECT_EQ(third.wait().result().n_generated_tokens, 0);
  EXPECT_EQ(first.wait().result().stop_reason, StopReason::kMaxTokens);
  expect_nothing_left(*engine);
}

TEST(EnginePhases, BackgroundWorkStandsStillWhileInteractiveWorkRuns) {
  for (const int n_parallel : {1, 3}) {
    const auto engine = open_engine(roomy_options(n_parallel));
    SlowReader background;
    Client interactive;
    std::size_t n_at_start = 0;
    std::size_t n_at_end = 0;
    bool was_paused = false;
    CompletionRequest slow = endless(counting(40), *engine);
    slow.max_tokens = 2000;
    slow.priority = Priority::kBackground;
    background.submit(*engine, slow);
    wait_for([&] { return is_in(*engine, background.id(), Phase::kAnswer); }, "it writes");
    interactive.at_progress = [&](Client& self) {
      if (self.written().progress.size() == 1) n_at_start = background.written().ids.size();
    };
    interactive.at_chunk = [&](Client&) {
      n_at_end = background.written().ids.size();
      was_paused = was_paused || is_in(*engine, background.id(), Phase::kPaused);
    };
    CompletionRequest question = endless(counting(200, 3), *engine);
    question.max_tokens = 30;
    interactive.submit(*engine, question);
    (void)interactive.wait();
    const bool went_on = !background.has_ended();
    background.release();
    expect_same_answer(interactive.wait(), alone(question), "interactive");
    EXPECT_TRUE(went_on);
    EXPECT_EQ(n_at_end, n_at_start);
    EXPECT_TRUE(was_paused);
    expect_same_answer(background.wait(), alone(slow), "background");
    expect_nothing_left(*engine);
  }
}

TEST(EnginePhases, BackgroundWorkGivesUpItsPagesForInteractiveWork) {
  EngineOptions options = roomy_options(2);
  options.context_length = 1024;
  options.kv_memory_bytes = open_engine(options)->facts().kv_bytes_per_token * 64 * 16;
  const auto engine = open_engine(options);
  CompletionRequest slow = endless(counting(700), *engine);
  slow.max_tokens = 300;
  slow.priority = Priority::kBackground;
  SlowReader background;
  background.submit(*engine, slow);
  wait_for([&] { return is_in(*engine, background.id(), Phase::kAnswer); }, "it writes");
  const CompletionRequest question = request_for(counting(700, 100), 5);
  const Written answer = write(*engine, question);
  background.release();
  expect_same_answer(answer, alone(question), "interactive");
  expect_same_answer(background.wait(), alone(slow), "background");
  EXPECT_GE(engine->status().n_preempted, 1U);
  expect_nothing_left(*engine);
}

TEST(EnginePhases, AShortPromptPassesALongOne) {
  EngineOptions options = roomy_options(2);
  const auto engine = open_engine(options);
  Client long_one;
  Client short_one;
  int n_long_when_short_was_read = 0;
  long_one.submit(*engine, request_for(counting(4000), 3));
  short_one.at_chunk = [&](Client&) {
    if (n_long_when_short_was_read == 0 && !long_one.written().progress.empty()) {
      n_long_when_short_was_read = long_one.written().progress.back();
    }
  };
  CompletionRequest question = endless(counting(60, 9), *engine);
  question.max_tokens = 20;
  short_one.submit(*engine, question);
  (void)short_one.wait();
  EXPECT_LT(n_long_when_short_was_read, 2000);
  EXPECT_EQ(long_one.wait().result().stop_reason, StopReason::kMaxTokens);
}

TEST(EnginePhases, AFullQueueIsRefusedWithAnEstimate) {
  EngineOptions options = roomy_options(1);
  options.queue_length = 2;
  const auto engine = open_engine(options);
  SlowReader first;
  std::vector<std::unique_ptr<Client>> others;
  first.submit(*engine, request_for(counting(3000), 3));
  for (int i = 0; i < 2; ++i) {
    others.push_back(std::make_unique<Client>());
    others.back()->submit(*engine, request_for(counting(20, i), 3));
  }
  const auto refused = engine->submit(request_for(counting(20), 3), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, SubmitError::Kind::kQueueFull);
  EXPECT_GT(refused.error().retry_after_s, 0);
  EXPECT_EQ(engine->status().n_rejected, 1U);
  first.release();
  for (const auto& other : others) EXPECT_TRUE(*other->wait().end);
  EXPECT_TRUE(*first.wait().end);
  (void)write(*engine, request_for(counting(20), 3));  // and now there is room again
}

TEST(EnginePhases, AStoppingEngineFinishesWhatItHas) {
  const auto engine = open_engine(roomy_options(1));
  SlowReader first;
  first.submit(*engine, request_for(counting(500), 3));
  engine->stop_accepting();
  const auto refused = engine->submit(request_for(counting(20), 3), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, SubmitError::Kind::kStopping);
  first.release();
  EXPECT_EQ(first.wait().result().stop_reason, StopReason::kMaxTokens);
}

TEST(EnginePhases, DestroyingTheEngineCancelsAll) {
  std::vector<std::unique_ptr<Client>> clients;
  {
    const auto engine = open_engine(roomy_options(2));
    for (int i = 0; i < 5; ++i) {
      clients.push_back(std::make_unique<Client>());
      clients.back()->submit(*engine, endless(counting(3000, i), *engine));
    }
  }
  for (const auto& client : clients) {
    ASSERT_TRUE(client->has_ended());
    EXPECT_EQ(client->wait().result().stop_reason, StopReason::kCancelled);
  }
}

TEST(EnginePhases, AnIdleEngineIsHealthyAndABusyOneMakesProgress) {
  const auto engine = open_engine(roomy_options(1));
  EXPECT_FALSE(engine->status().has_work);
  EXPECT_EQ(engine->status().seconds_since_progress, 0);
  const Written written = write(*engine, request_for(counting(100), 20));
  const EngineStatus status = engine->status();
  EXPECT_EQ(status.n_finished, 1U);
  EXPECT_EQ(status.n_prompt_tokens, 100U);
  EXPECT_EQ(status.n_generated_tokens, written.ids.size());
  EXPECT_GT(status.n_steps, 100U / 8);
  EXPECT_GT(status.busy_seconds, 0);
  EXPECT_GT(status.prompt_tokens_per_s, 0);
  EXPECT_GT(status.n_pages_cached, 0);
  EXPECT_EQ(status.n_pages_total, 2 * 4096 / 64);
}

}  // namespace
}  // namespace jevons::testing
