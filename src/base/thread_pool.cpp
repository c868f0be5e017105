#include "base/thread_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace jevons {
namespace {

void pause_briefly() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Long enough to bridge the gap between two loops of one forward pass (a few microseconds), short
// enough that an idle program uses no CPU that one could notice.
constexpr int kSpinsBeforeSleep = 2000;
// On a CPU that others want as well, spinning takes the time from the thread it waits for.
constexpr int kSpinsBeforeYield = 200;

}  // namespace

struct ThreadPool::State {
  explicit State(int n) : n_threads(n) {}

  const int n_threads;
  void (*task)(void*, int, int) = nullptr;
  void* context = nullptr;
  const std::atomic<bool>* abandon = nullptr;
  bool is_measured = false;
  Waiting waiting;
  int n_tasks = 0;
  alignas(64) std::atomic<int> next_index{0};
  alignas(64) std::atomic<std::uint64_t> generation{0};  // a new loop is ready
  alignas(64) std::atomic<int> n_busy{0};                // team members still in the loop
  std::atomic<bool> stop{false};
  std::atomic<int> n_sleeping{0};
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<std::thread> threads;

  [[nodiscard]] bool is_abandoned() const {
    return abandon != nullptr && abandon->load(std::memory_order_relaxed);
  }

  void work(int thread) {
    while (!is_abandoned()) {
      const int index = next_index.fetch_add(1, std::memory_order_relaxed);
      if (index >= n_tasks) return;
      task(context, index, thread);
    }
  }

  void wait_for_generation_after(std::uint64_t seen) {
    for (int i = 0; i < kSpinsBeforeSleep; ++i) {
      if (generation.load(std::memory_order_acquire) != seen) return;
      if (i % kSpinsBeforeYield == kSpinsBeforeYield - 1) {
        std::this_thread::yield();
      } else {
        pause_briefly();
      }
    }
    std::unique_lock lock(mutex);
    n_sleeping.fetch_add(1);
    wake.wait(lock, [&] { return generation.load() != seen; });
    n_sleeping.fetch_sub(1);
  }

  void serve(int thread) {
    ::pthread_setname_np(::pthread_self(), "worker");
    std::uint64_t seen = 0;
    for (;;) {
      wait_for_generation_after(seen);
      seen = generation.load(std::memory_order_acquire);
      if (stop.load()) return;
      work(thread);
      if (n_busy.fetch_sub(1, std::memory_order_acq_rel) == 1) n_busy.notify_one();
    }
  }

  void wait_for_team() {
    for (int i = 0;; ++i) {
      const int n = n_busy.load(std::memory_order_acquire);
      if (n == 0) return;
      if (i >= kSpinsBeforeSleep) {
        // Somebody else has the CPU that a team member needs: sleeping hands ours over.
        n_busy.wait(n, std::memory_order_acquire);
      } else if (i % kSpinsBeforeYield == kSpinsBeforeYield - 1) {
        std::this_thread::yield();
      } else {
        pause_briefly();
      }
    }
  }

  void announce() {
    generation.fetch_add(1);
    if (n_sleeping.load() == 0) return;
    // The empty critical section orders the new generation before a sleeper's check.
    {
      const std::lock_guard lock(mutex);
    }
    wake.notify_all();
  }
};

ThreadPool::ThreadPool(int n_threads) : state_(std::make_unique<State>(std::max(1, n_threads))) {
  for (int thread = 1; thread < state_->n_threads; ++thread) {
    state_->threads.emplace_back([state = state_.get(), thread] { state->serve(thread); });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true);
  state_->generation.fetch_add(1);
  {
    const std::lock_guard lock(state_->mutex);
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

int ThreadPool::n_threads() const { return state_->n_threads; }

void ThreadPool::abandon_on(const std::atomic<bool>* abandon) { state_->abandon = abandon; }

void ThreadPool::run(int n_tasks, void (*task)(void*, int, int), void* context) {
  State& s = *state_;
  if (s.threads.empty() || n_tasks <= 1) {
    for (int i = 0; i < n_tasks && !s.is_abandoned(); ++i) task(context, i, 0);
    return;
  }
  s.task = task;
  s.context = context;
  s.n_tasks = n_tasks;
  s.next_index.store(0, std::memory_order_relaxed);
  s.n_busy.store(static_cast<int>(s.threads.size()), std::memory_order_relaxed);
  s.announce();
  s.work(0);
  if (!s.is_measured) return s.wait_for_team();
  const auto begin = std::chrono::steady_clock::now();
  s.wait_for_team();
  s.waiting.seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ++s.waiting.n_loops;
}

ThreadPool::Waiting ThreadPool::take_waiting() {
  state_->is_measured = true;
  return std::exchange(state_->waiting, {});
}

int available_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int n = static_cast<int>(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    double quota = 0;
    double period = 0;
    if (std::fscanf(file, "%lf %lf", &quota, &period) == 2 && period > 0) {
      n = std::min(n, std::max(1, static_cast<int>(std::ceil(quota / period))));
    }
    std::fclose(file);
  }
  return std::max(1, n);
}

}  // namespace jevons
