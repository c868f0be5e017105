#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace jevons {
namespace {

TEST(ThreadPool, EveryIndexRunsOnceOnAThreadOfTheTeam) {
  for (int n_threads = 1; n_threads <= 8; ++n_threads) {
    ThreadPool pool(n_threads);
    ASSERT_EQ(pool.n_threads(), n_threads);
    for (const int n_tasks : {0, 1, 2, 7, 64, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(n_tasks));
      pool.parallel_for(n_tasks, [&](int index, int thread) {
        ASSERT_GE(thread, 0);
        ASSERT_LT(thread, n_threads);
        runs[static_cast<std::size_t>(index)].fetch_add(1);
      });
      for (const auto& count : runs) ASSERT_EQ(count.load(), 1);
    }
  }
}

// What a forward pass does: loop after loop of a few microseconds, each reading what the one
// before wrote. A lost wake-up hangs here, a missing fence gives a wrong sum.
TEST(ThreadPool, ManyTinyLoopsSeeEachOthersResults) {
  constexpr int kLoops = 20'000;
  constexpr int kTasks = 6;
  for (const int n_threads : {2, 3, 4, 8}) {
    ThreadPool pool(n_threads);
    std::vector<std::uint64_t> value(kTasks, 1);
    std::vector<std::uint64_t> next(kTasks, 0);
    std::vector<std::uint64_t> expected(kTasks, 1);
    for (int loop = 0; loop < kLoops / n_threads; ++loop) {
      pool.parallel_for(kTasks, [&](int index, int) {
        const auto i = static_cast<std::size_t>(index);
        next[i] = value[i] + 3 * value[(i + 1) % kTasks];
      });
      value.swap(next);
      std::vector<std::uint64_t> after(kTasks);
      for (std::size_t i = 0; i < kTasks; ++i) {
        after[i] = expected[i] + 3 * expected[(i + 1) % kTasks];
      }
      expected = after;
      ASSERT_EQ(value, expected) << "loop " << loop << ", " << n_threads << " threads";
    }
  }
}

TEST(ThreadPool, WakesThreadsThatFellAsleep) {
  ThreadPool pool(4);
  std::mt19937 random(7);
  for (int round = 0; round < 40; ++round) {
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    std::atomic<int> sum{0};
    pool.parallel_for(100, [&](int index, int) { sum.fetch_add(index); });
    ASSERT_EQ(sum.load(), 4950);
  }
}

TEST(ThreadPool, WorkIsShared) {
  ThreadPool pool(3);
  std::set<int> seen;
  // Whoever comes late finds work left: each task waits until another thread joined, or 5 s.
  std::atomic<int> n_inside{0};
  std::vector<int> threads(3);
  pool.parallel_for(3, [&](int index, int thread) {
    threads[static_cast<std::size_t>(index)] = thread;
    n_inside.fetch_add(1);
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (n_inside.load() < 3 && std::chrono::steady_clock::now() < give_up) {
      std::this_thread::yield();
    }
  });
  seen.insert(threads.begin(), threads.end());
  EXPECT_EQ(seen.size(), 3U);
}

TEST(ThreadPool, AnAbandonedLoopBeginsNoMoreTasks) {
  for (const int n_threads : {1, 4}) {
    ThreadPool pool(n_threads);
    std::atomic<bool> abandon = false;
    pool.abandon_on(&abandon);
    std::atomic<int> n_run = 0;
    auto task = [&](int, int) {
      if (n_run.fetch_add(1) + 1 == 50) abandon.store(true);
    };
    pool.parallel_for(100'000, task);
    EXPECT_GE(n_run.load(), 50);
    EXPECT_LT(n_run.load(), 100'000);
    n_run = 0;
    pool.parallel_for(1, task);
    EXPECT_EQ(n_run.load(), 0);
    pool.abandon_on(nullptr);
    pool.parallel_for(10, task);
    EXPECT_EQ(n_run.load(), 10);
  }
}

TEST(ThreadPool, ComesAndGoesWithoutWork) {
  for (int i = 0; i < 200; ++i) {
    const ThreadPool pool(1 + i % 8);
  }
}

TEST(AvailableCpus, IsAtLeastOneAndAtMostTheMachine) {
  EXPECT_GE(available_cpus(), 1);
  EXPECT_LE(available_cpus(), static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace jevons
