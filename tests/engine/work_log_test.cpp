// What the engine says of its work adds up to what it did.
#include "engine/work_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "engine_fixture.h"

namespace jevons {
namespace {

using testing::endless;
using testing::open_engine;
using testing::tiny_options;

TEST(WorkLog, GivesSharesInOrderAndCountsWhatItLoses) {
  WorkLog log(4);
  for (std::uint64_t id = 1; id <= 6; ++id) log.add({.id = id});
  std::vector<WorkShare> shares;
  EXPECT_EQ(log.take(shares).n_lost, 2U);
  ASSERT_EQ(shares.size(), 4U);
  EXPECT_EQ(shares.back().id, 4U);
  log.add({.id = 7});
  shares.clear();
  EXPECT_EQ(log.take(shares).n_lost, 2U);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_EQ(shares.front().id, 7U);
}

TEST(WorkLog, TheHorizonIsWhereTheRunningStepBegan) {
  WorkLog log;
  std::vector<WorkShare> shares;
  const auto before = std::chrono::steady_clock::now();
  const auto begin = log.begin_step();
  EXPECT_GE(log.take(shares).until, before - std::chrono::microseconds(1));
  EXPECT_LE(log.take(shares).until, begin);
  EXPECT_TRUE(log.take(shares).is_busy);
  log.end_step();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_GT(log.take(shares).until, begin);
  EXPECT_FALSE(log.take(shares).is_busy);
}

// Two threads: whatever ended before the horizon is there.
TEST(WorkLog, NothingBeforeTheHorizonIsMissing) {
  WorkLog log(1 << 12);
  std::atomic<bool> is_done{false};
  constexpr std::uint64_t kSteps = 200'000;
  std::thread writer([&] {
    for (std::uint64_t i = 1; i <= kSteps; ++i) {
      const auto begin = log.begin_step();
      log.add({.id = i, .begin = begin, .end = std::chrono::steady_clock::now()});
      log.end_step();
    }
    is_done = true;
  });
  std::vector<WorkShare> shares;
  std::uint64_t n_seen = 0, last = 0;
  WorkShare::Time until{};
  for (bool is_last = false; !is_last;) {
    is_last = is_done;
    shares.clear();
    const WorkHorizon horizon = log.take(shares);
    for (const WorkShare& share : shares) {
      EXPECT_GT(share.id, last);
      // It was not told of before, so it must not have begun before what was said to be complete.
      EXPECT_GE(share.begin, until);
      last = share.id;
    }
    n_seen += shares.size();
    until = horizon.until;
    if (is_last) {
      EXPECT_EQ(n_seen + horizon.n_lost, kSteps);
    }
  }
  writer.join();
}

std::vector<std::int32_t> prompt_of(int n, int first) {
  std::vector<std::int32_t> ids;
  ids.reserve(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) ids.push_back((first + 7 * i) % 200);
  return ids;
}

// Five requests at once; what the engine said of its work, and their results.
struct Logged {
  std::vector<WorkShare> shares;
  std::map<CompletionId, CompletionResult> results;
};
Logged run_five(EngineOptions options, int n_prompt) {
  options.logs_work = true;
  options.n_parallel = 3;
  options.speculate = false;
  const auto engine = open_engine(options);
  Logged logged;
  std::mutex mutex;
  std::condition_variable changed;
  for (int i = 0; i < 5; ++i) {
    CompletionRequest request = endless(prompt_of(n_prompt + 10 * i, i), *engine);
    request.max_tokens = 12;
    CompletionSink sink;
    sink.on_end = [&](const Result<CompletionResult>& result) {
      const std::lock_guard lock(mutex);
      logged.results[result->id] = *result;
      changed.notify_all();
    };
    EXPECT_TRUE(engine->submit(std::move(request), std::move(sink)));
  }
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return logged.results.size() == 5; });
  }
  EXPECT_EQ(engine->take_work(logged.shares).n_lost, 0U);
  return logged;
}

void expect_that_it_adds_up(const Logged& logged) {
  std::map<CompletionId, CompletionWork> sums;
  std::map<CompletionId, int> n_logits;
  std::map<CompletionId, bool> is_over;
  WorkShare::Time begin{}, end{};
  for (const WorkShare& share : logged.shares) {
    EXPECT_FALSE(is_over[share.id]) << "work after its end";
    if (share.is_last) {
      is_over[share.id] = true;
      continue;
    }
    // Those of one step have its times, and no two steps the same time.
    if (share.begin != begin) {
      EXPECT_GE(share.begin, end);
    }
    EXPECT_GE(share.end, share.begin);
    begin = share.begin;
    end = share.end;
    if (share.is_continued) continue;
    sums[share.id].n_tokens += static_cast<std::uint64_t>(share.n_tokens);
    sums[share.id].n_positions += static_cast<std::uint64_t>(share.n_positions);
    n_logits[share.id] += share.n_logits;
  }
  ASSERT_EQ(sums.size(), 5U);
  for (const auto& [id, result] : logged.results) {
    EXPECT_TRUE(is_over[id]);
    // The last token of an answer is not read any more.
    const auto last =
        static_cast<std::uint64_t>(result.n_prompt_tokens + result.n_generated_tokens - 1);
    const auto first = static_cast<std::uint64_t>(result.n_cached_tokens);
    EXPECT_EQ(result.n_generated_tokens, 12);
    EXPECT_EQ(sums[id].n_tokens, last - first);
    EXPECT_EQ(sums[id].n_positions, (last * (last + 1) - first * (first + 1)) / 2);
    EXPECT_EQ(n_logits[id], 12);
    EXPECT_EQ(result.work.n_tokens, sums[id].n_tokens);
    EXPECT_EQ(result.work.n_positions, sums[id].n_positions);
    EXPECT_GT(result.work.seconds, 0);
  }
}

TEST(EngineWork, AddsUpToTokensAndPositions) {
  expect_that_it_adds_up(run_five(tiny_options(), 70));
}

// Answers go on between the layers of the others' prompts: steps within a step, each with the time
// that was its own.
TEST(EngineWork, AddsUpWithStepsBetweenTheLayersOfAnother) {
  EngineOptions options = tiny_options();
  options.prefill_chunk = 256;
  options.slice_ms = 1e9;
  options.answers_go_between = true;
  const Logged logged = run_five(options, 300);
  expect_that_it_adds_up(logged);
  EXPECT_TRUE(std::ranges::any_of(logged.shares, &WorkShare::is_continued));
}

TEST(EngineWork, CountsGuessesThatCameToNothing) {
  EngineOptions options = tiny_options();
  options.logs_work = true;
  options.forced_guesses = 2;
  const auto engine = open_engine(options);
  CompletionRequest request;
  for (int i = 0; i < 60; ++i) request.prompt.push_back(i % 3 + 5);
  // Goes on as the prompt did, and then no more.
  for (int i = 0; i < 10; ++i) request.script.push_back(i % 3 + 5);
  for (int i = 0; i < 10; ++i) request.script.push_back(60 + i);
  request.max_tokens = 20;
  const auto result = engine->complete(std::move(request), {});
  ASSERT_TRUE(result);
  const EngineStatus status = engine->status();
  ASSERT_GT(status.n_drafted_tokens, status.n_accepted_drafts);
  EXPECT_EQ(result->work.n_tokens,
            static_cast<std::uint64_t>(result->n_prompt_tokens + result->n_generated_tokens - 1) +
                status.n_drafted_tokens - status.n_accepted_drafts);
}

TEST(EngineWork, SaysThatItIsOverAlsoWhenCancelled) {
  EngineOptions options = tiny_options();
  options.logs_work = true;
  const auto engine = open_engine(options);
  CompletionRequest request = endless(prompt_of(40, 3), *engine);
  std::stop_source stop;
  CompletionSink sink;
  sink.on_chunk = [&](const CompletionChunk&) { stop.request_stop(); };
  const auto result = engine->complete(std::move(request), sink, stop.get_token());
  ASSERT_TRUE(result);
  std::vector<WorkShare> shares;
  (void)engine->take_work(shares);
  ASSERT_FALSE(shares.empty());
  EXPECT_TRUE(shares.back().is_last);
  EXPECT_EQ(shares.back().id, result->id);
}

}  // namespace
}  // namespace jevons
